def encode(text):
    pieces = []
    count = 0
    last = ""
    for character in text:
        if character == last:
            count += 1
            continue
        if last:
            pieces.append(f"{count}{last}")
        last = character
        count = 1
    if last:
        pieces.append(f"{count}{last}")
    return "".join(pieces)
