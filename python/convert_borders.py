"""Rows on both sides of where a model's answer jumps, to compare its ONNX form on: see convert.py."""

# Values that are tried in each column, and rows of the frame that get them.
SWEEP = 48
BASES = 6
MOST_COLUMNS = 48
MOST_BORDERS = 400
# Halvings that leave two neighbouring numbers of double precision of any two that are not many powers of ten apart.
HALVINGS = 64
# As far beside a border, as a share of the column's values, the two must agree: a thousandth of what single precision tells apart.
BESIDE = 1e-11
# What a person writes down is as near as this to a border where single precision mistakes it for one.
NEAR = 1e-6
NUMBERS = ("integer", "long", "float", "double")


def rows_at_borders(fields, frame, answer, least):
    """
    Rows of a frame with a value of one column moved to where the answer jumps: to either side, and to the shortest
    decimal numbers near it. Trees split in the middle between values that they have seen; whether such a value, of data
    that were rounded, falls to the left or to the right is decided by the last bit of all that was computed before.

    @param answer what the model gives for a frame, as an array with a row for each; raises what it refuses
    @param least jump that counts
    """
    import numpy as np

    rng = np.random.default_rng(0)
    table = Table(fields, frame)
    if not table.columns:
        return None
    chosen = table.columns
    if len(chosen) > MOST_COLUMNS:
        chosen = [chosen[i] for i in np.sort(rng.choice(len(chosen), MOST_COLUMNS, replace=False))]
    rows, columns, low, high = [], [], [], []
    bases = rng.choice(len(frame), min(BASES, len(frame)), replace=False)
    for column in chosen:
        values, answers = swept(table, column, bases, answer, rng)
        jumps = np.abs(np.diff(answers, axis=1)).max(axis=2) > least
        for base, place in zip(*np.nonzero(jumps)):
            rows.append(bases[base]), columns.append(column), low.append(values[place]), high.append(values[place + 1])
    if not rows:
        return None
    some = rng.permutation(len(rows))[:MOST_BORDERS]
    rows, columns, low, high = (np.asarray(v)[some] for v in (rows, columns, low, high))
    low, high = halved(table, answer, rows, columns, low, high, rng)
    apart = answer(table.moved(rows, columns, high)) - answer(table.moved(rows, columns, low))
    are_jumps = np.abs(apart).max(axis=1) > least
    return table.moved(*beside(table, rows[are_jumps], columns[are_jumps], low[are_jumps], high[are_jumps]))


def swept(table, column, bases, answer, rng):
    """Values for a column, in ascending order, and the answers to some rows with each; none where the model refuses them."""
    import numpy as np

    for widely in (True, False):
        values = tried_values(table.values(column), widely, rng)
        values = np.unique(np.round(values)) if table.is_whole(column) else values
        try:
            answers = answer(table.moved(np.repeat(bases, len(values)), [column] * len(values) * len(bases), np.tile(values, len(bases))))
            return values, answers.reshape(len(bases), len(values), -1)
        except Exception:  # a model may refuse what is far away, and categories that it has not seen
            continue
    return np.zeros(0), np.zeros((len(bases), 0, 1))


def tried_values(values, widely, rng):
    """Values of a column and some between them; widely: also some beyond, and of every size."""
    import numpy as np

    ends = (values.min(), values.max())
    beyond = ((ends[1] - ends[0]) or abs(ends[0]) or 1.0) / 10 if widely else 0.0
    parts = [rng.choice(values, SWEEP // 3), rng.uniform(ends[0] - beyond, ends[1] + beyond, SWEEP // 2)]
    if widely:
        parts += [10 ** rng.uniform(-3, 5, SWEEP // 6) * rng.choice([-1, 1], SWEEP // 6), [0.0]]
    return np.unique(np.concatenate(parts))


def halved(table, answer, rows, columns, low, high, rng):
    """Neighbours between which the answer jumps: of two halves the one with the greater jump, at first one by chance."""
    import numpy as np

    at_low, at_high = (answer(table.moved(rows, columns, ends)) for ends in (low, high))
    whole = np.array([table.is_whole(column) for column in columns])
    for step in range(HALVINGS):
        between = low + (high - low) * (rng.uniform(0.2, 0.8, len(low)) if step < 4 else 0.5)
        between = np.where(whole, np.floor(between), between)
        inside = (low < between) & (between < high)
        if not inside.any():
            break
        at = answer(table.moved(rows, columns, between))
        down = np.abs(at - at_low).max(axis=1) >= np.abs(at_high - at).max(axis=1)
        to_low, to_high = inside & ~down, inside & down
        low, at_low = np.where(to_low, between, low), np.where(to_low[:, None], at, at_low)
        high, at_high = np.where(to_high, between, high), np.where(to_high[:, None], at, at_high)
    return low, high


def beside(table, rows, columns, low, high):
    """Both sides of each border and what is written near it, as (rows, columns, values)."""
    import numpy as np

    found = []
    for row, column, left, right in zip(rows, columns, low, high):
        values = {left, right}
        if not table.is_whole(column):
            far = BESIDE * (abs(left) + np.abs(table.values(column)).max())
            values = {left - far, right + far, *written(left, right)}
        found += [(row, column, value) for value in values]
    return [list(part) for part in zip(*found)] if found else ([], [], [])


def written(left, right):
    """The two shortest decimal numbers near a border."""
    import numpy as np

    near = NEAR * max(abs(left), abs(right))
    short = (float(np.format_float_positional(left, digits, fractional=False)) for digits in range(1, 15))
    return sorted({value for value in short if abs(value - left) <= near}, key=lambda value: len(repr(value)))[:2]


class Table:
    """Numbers of a frame, or of an array, by the place of their column."""

    def __init__(self, fields, frame):
        import numpy as np

        self.frame = frame
        self.is_array = isinstance(frame, np.ndarray)
        self.shape = frame.shape
        if self.is_array:
            flat = frame.reshape(len(frame), -1)
            self.kinds = [fields[0]["type"]] * flat.shape[1]
        else:
            self.kinds = [f["type"] if not f["shape"] else None for f in fields]
        self.columns = [at for at, kind in enumerate(self.kinds) if kind in NUMBERS and len(self.values(at)) > 0]

    def is_whole(self, column):
        return self.kinds[column] in ("integer", "long")

    def values(self, column):
        import numpy as np

        values = self.frame.reshape(len(self.frame), -1)[:, column] if self.is_array else self.frame.iloc[:, column].to_numpy()
        values = values.astype(np.float64)
        return values[np.isfinite(values)]

    def moved(self, rows, columns, values):
        """Rows of the frame, in each of which one column has another value."""
        import numpy as np

        rows, columns, values = (np.asarray(part) for part in (rows, columns, values))
        if self.is_array:
            moved = self.frame.reshape(len(self.frame), -1)[rows]
            moved[np.arange(len(rows)), columns] = values
            return moved.reshape(-1, *self.shape[1:])
        moved = self.frame.iloc[rows].reset_index(drop=True)
        for column in np.unique(columns):
            here = columns == column
            cells = moved.iloc[:, column].to_numpy().copy()
            cells[here] = values[here].astype(cells.dtype)
            moved[moved.columns[column]] = cells
        return moved
