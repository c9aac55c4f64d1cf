def order(graph):
    """Nodes with every node after what it needs."""
    done = []
    visiting = set()

    def visit(node):
        if node in done:
            return
        if node in visiting:
            raise ValueError("cycle")
        visiting.add(node)
        for needed in graph.get(node, []):
            visit(needed)
        visiting.discard(node)
        done.append(node)

    for node in sorted(graph):
        visit(node)
    return done
