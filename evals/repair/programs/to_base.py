DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def to_base(number, base):
    if number == 0:
        return "0"
    text = ""
    while number > 0:
        number, digit = divmod(number, base)
        text = DIGITS[digit] + text
    return text
