def insertion_sort(items):
    ordered = list(items)
    for place in range(1, len(ordered)):
        value = ordered[place]
        hole = place
        while hole > 0 and ordered[hole - 1] > value:
            ordered[hole] = ordered[hole - 1]
            hole -= 1
        ordered[hole] = value
    return ordered
