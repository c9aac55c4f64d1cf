def gray(n):
    return n ^ (n >> 1)


def ungray(code):
    number = 0
    while code:
        number ^= code
        code >>= 1
    return number
