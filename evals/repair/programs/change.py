def ways(coins, total):
    """How many ways there are to pay `total` with these coins."""
    counts = [0] * (total + 1)
    counts[0] = 1
    for coin in coins:
        for amount in range(coin, total + 1):
            counts[amount] += counts[amount - coin]
    return counts[total]
