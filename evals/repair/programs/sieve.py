def primes(limit):
    """Every prime up to and with `limit`."""
    marks = [True] * (limit + 1)
    found = []
    for number in range(2, limit + 1):
        if marks[number]:
            found.append(number)
            for multiple in range(number * number, limit + 1, number):
                marks[multiple] = False
    return found
