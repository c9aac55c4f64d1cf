def kth_smallest(items, k):
    """The item that would be at place `k` if they were sorted."""
    pivot = items[0]
    below = [x for x in items if x < pivot]
    above = [x for x in items if x > pivot]
    same = len(items) - len(below) - len(above)
    if k < len(below):
        return kth_smallest(below, k)
    if k < len(below) + same:
        return pivot
    return kth_smallest(above, k - len(below) - same)
