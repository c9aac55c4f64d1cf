PAIRS = {")": "(", "]": "[", "}": "{"}


def balanced(text):
    opened = []
    for character in text:
        if character in PAIRS.values():
            opened.append(character)
        elif character in PAIRS:
            if not opened or opened.pop() != PAIRS[character]:
                return False
    return not opened
