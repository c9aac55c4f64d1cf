class Account:
    def __init__(self, balance=0, limit=0):
        self.balance = balance
        self.limit = limit

    def deposit(self, amount):
        self.balance += amount
        return self.balance

    def withdraw(self, amount):
        if self.balance + self.limit < amount:
            return None
        self.balance -= amount
        return self.balance


def transfer(start, limit, amounts):
    source, goal = Account(start, limit), Account()
    moved = 0
    for amount in amounts:
        if source.withdraw(amount) is not None:
            goal.deposit(amount)
            moved += 1
    return [source.balance, goal.balance, moved]
