class Inventory:
    def __init__(self, items=None):
        self.items = dict(items or {})
        self.log = []

    def add(self, name, count):
        if count <= 0:
            raise ValueError("count must be positive")
        self.items[name] = self.items.get(name, 0) + count
        self.log.append(("add", name, count))

    def remove(self, name, count):
        held = self.items.get(name, 0)
        if count > held:
            raise ValueError("not enough")
        if held == count:
            del self.items[name]
        else:
            self.items[name] = held - count
        self.log.append(("remove", name, count))

    def total(self):
        return sum(self.items.values())


def play(moves):
    """What is left after some moves, or the error."""
    store = Inventory()
    for kind, name, count in moves:
        try:
            (store.add if kind == "add" else store.remove)(name, count)
        except ValueError as error:
            store.log.append(("error", str(error), count))
    return [sorted(store.items.items()), store.total(), store.log]
