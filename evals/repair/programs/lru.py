class Cache:
    def __init__(self, size):
        self.size = size
        self.entries = {}

    def get(self, key):
        if key not in self.entries:
            return None
        value = self.entries.pop(key)
        self.entries[key] = value
        return value

    def put(self, key, value):
        self.entries.pop(key, None)
        self.entries[key] = value
        if len(self.entries) > self.size:
            oldest = next(iter(self.entries))
            del self.entries[oldest]


def play(size, moves):
    cache = Cache(size)
    answers = []
    for move in moves:
        if len(move) == 1:
            answers.append(cache.get(move[0]))
        else:
            cache.put(*move)
    return [answers, list(cache.entries)]
