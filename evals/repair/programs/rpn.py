import operator

OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def evaluate(tokens):
    stack = []
    for token in tokens:
        if token in OPERATIONS:
            right = stack.pop()
            left = stack.pop()
            stack.append(OPERATIONS[token](left, right))
        else:
            stack.append(int(token))
    return stack.pop()
