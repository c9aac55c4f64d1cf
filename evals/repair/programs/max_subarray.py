def best_sum(numbers):
    """Largest sum of consecutive numbers; 0 when nothing is worth taking."""
    best = 0
    running = 0
    for number in numbers:
        running = max(0, running + number)
        best = max(best, running)
    return best
