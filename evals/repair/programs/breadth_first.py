from collections import deque


def reachable(graph, start, goal):
    waiting = deque([start])
    seen = {start}
    while waiting:
        node = waiting.popleft()
        if node == goal:
            return True
        for following in graph.get(node, []):
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    return False
