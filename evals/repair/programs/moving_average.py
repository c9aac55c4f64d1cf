def averages(values, window):
    """Mean of every full window."""
    if window <= 0 or window > len(values):
        return []
    total = sum(values[:window])
    found = [total / window]
    for place in range(window, len(values)):
        total += values[place] - values[place - window]
        found.append(total / window)
    return found
