def distance(source, target):
    previous = list(range(len(target) + 1))
    for row, letter in enumerate(source, start=1):
        current = [row]
        for column, other in enumerate(target, start=1):
            if letter == other:
                current.append(previous[column - 1])
            else:
                current.append(1 + min(previous[column], previous[column - 1], current[column - 1]))
        previous = current
    return previous[-1]
