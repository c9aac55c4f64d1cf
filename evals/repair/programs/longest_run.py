def longest_increasing(numbers):
    """Length of the longest strictly increasing subsequence."""
    best = []
    for place, number in enumerate(numbers):
        longest = 1
        for earlier in range(place):
            if numbers[earlier] < number:
                longest = max(longest, best[earlier] + 1)
        best.append(longest)
    return max(best, default=0)
