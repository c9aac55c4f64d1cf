def arrangements(items):
    """Every order of the items."""
    if not items:
        return [[]]
    found = []
    for place, first in enumerate(items):
        rest = items[:place] + items[place + 1 :]
        for tail in arrangements(rest):
            found.append([first] + tail)
    return found
