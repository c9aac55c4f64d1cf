def flatten(things):
    for thing in things:
        if isinstance(thing, list):
            yield from flatten(thing)
        else:
            yield thing
