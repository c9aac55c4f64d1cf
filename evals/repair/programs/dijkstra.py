import heapq


def distances(graph, start):
    """Shortest distance from `start` to everything that can be reached."""
    found = {}
    waiting = [(0, start)]
    while waiting:
        distance, node = heapq.heappop(waiting)
        if node in found:
            continue
        found[node] = distance
        for neighbour, weight in graph.get(node, {}).items():
            heapq.heappush(waiting, (distance + weight, neighbour))
    return found
