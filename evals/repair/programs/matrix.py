def multiply(left, right):
    size = len(right)
    product = []
    for row in left:
        line = []
        for column in range(len(right[0])):
            line.append(sum(row[k] * right[k][column] for k in range(size)))
        product.append(line)
    return product


def transpose(rows):
    return [list(column) for column in zip(*rows)]
