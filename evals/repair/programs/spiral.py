def spiral(rows):
    """The numbers of a matrix from the outside to the inside."""
    rows = [list(row) for row in rows]
    seen = []
    while rows:
        seen.extend(rows.pop(0))
        rows = [list(column) for column in zip(*rows)][::-1]
    return seen
