def triangle(count):
    rows = []
    for number in range(count):
        row = [1]
        for place in range(1, number):
            above = rows[number - 1]
            row.append(above[place - 1] + above[place])
        if number > 0:
            row.append(1)
        rows.append(row)
    return rows
