def parse(query):
    """`a=1&b=2&a=3` as names to lists of values."""
    found = {}
    for pair in query.split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        found.setdefault(name, []).append(value)
    return found
