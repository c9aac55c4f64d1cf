def shift(text, amount):
    moved = []
    for character in text:
        if character.islower():
            moved.append(chr((ord(character) - ord("a") + amount) % 26 + ord("a")))
        elif character.isupper():
            moved.append(chr((ord(character) - ord("A") + amount) % 26 + ord("A")))
        else:
            moved.append(character)
    return "".join(moved)
