"""Rows on which a model and its ONNX form are compared: see convert.py."""

ROWS = 300
ROWS_AT_SPLITS = 500
ROWS_WITH_GAPS = 100
# Texts that tokenizers and encoders are most easily of two minds about.
ODD_TEXTS = ["unseen", "", " ", "Unseen ÄÖÜ naïve", "it's a-b_c, d.e  F!"]
# Whole numbers of 64 bits have room for more; times and long identities stay what they can be.
MOST_MOVED_FAR = 1e9
NUMBERS = ("integer", "long", "float", "double")


def rows_to_compare(fields, given):
    """
    Lists of rows, the first the hardest: the example (else made-up numbers), combinations of its values moved far and
    near, zeros, other signs and texts that nobody saw; the same without what a model may refuse; the example alone.
    """
    rows = given or [{f["name"]: default(f) for f in fields}]
    if not given:
        yield rows + made_up_rows(fields, odd=True)
        yield rows + made_up_rows(fields, odd=False)
    else:
        yield rows + varied_rows(fields, rows, odd=True)
        yield rows + varied_rows(fields, rows, odd=False)
    yield rows


def varied_rows(fields, rows, odd):
    import numpy as np

    rng = np.random.default_rng(0)
    return [
        {f["name"]: vary(rows[rng.integers(len(rows))].get(f["name"]), f, rng, odd) for f in fields}
        for _ in range(max(0, ROWS - len(rows)))
    ]


def vary(value, field, rng, odd):
    """A value of the example moved: by half or double, by a thousandth, or by less; an odd one also far away."""
    if field["shape"]:
        return [vary(v, {"type": field["type"], "shape": []}, rng, odd) for v in value]
    kind = field["type"]
    if kind == "string" and odd and rng.random() < 0.1:
        return ODD_TEXTS[rng.integers(len(ODD_TEXTS))]
    if kind not in NUMBERS or value is None:
        return value
    if odd and rng.random() < 0.1:
        return 0 if rng.random() < 0.5 else -value
    if odd and rng.random() < 0.05 and abs(value) < MOST_MOVED_FAR:
        value *= 10 ** rng.uniform(1, 5)
    by = [rng.uniform(0.5, 1.5), rng.uniform(0.5, 1.5), 1 + rng.normal(0, 1e-3), 1 + rng.normal(0, 1e-4)][rng.integers(4)]
    return int(round(value * by)) if kind in ("integer", "long") else value * by


def made_up_rows(fields, odd):
    """Numbers of all sizes, where there is no example; without what is odd they are small ones."""
    import numpy as np

    rng = np.random.default_rng(0)

    def made_up(field):
        if field["shape"]:
            size, *inner = field["shape"]
            return [made_up({"type": field["type"], "shape": inner}) for _ in range(size)]
        kind = field["type"]
        if kind in NUMBERS:
            value = rng.normal() * (10 ** rng.uniform(-2, 4) if odd else 1)
            value = 0 if rng.random() < 0.1 else value
            return int(round(value)) if kind in ("integer", "long") else value
        if kind == "boolean":
            return bool(rng.random() < 0.5)
        return vary(default(field), field, rng, odd)

    return [{f["name"]: made_up(f) for f in fields} for _ in range(ROWS - 1)]


def rows_at_splits(onnx, fields):
    """
    Rows with values between those where the trees of a graph split, for graphs whose trees look at the columns themselves,
    and zeros; a few beyond the outermost. An empty list for all others.
    """
    import numpy as np

    one_array = len(fields) == 1 and len(fields[0]["shape"]) == 1
    width = fields[0]["shape"][0] if one_array else len(fields)
    kinds = [fields[0]["type"]] * width if one_array else [f["type"] for f in fields]
    splits = splits_of(onnx)
    if not splits or max(splits) >= width or not all(kind in (*NUMBERS, "boolean") for kind in kinds):
        return []
    rng = np.random.default_rng(0)
    columns = [between(splits.get(i, {0.0, 1.0}), kind, rng) for i, kind in enumerate(kinds)]
    rows = list(zip(*columns))
    if one_array:
        return [{fields[0]["name"]: list(row)} for row in rows]
    return [dict(zip((f["name"] for f in fields), row)) for row in rows]


def splits_of(onnx):
    """The values where the trees of a graph split, by the number of the feature."""
    from onnx import numpy_helper

    splits = {}
    for node in onnx.graph.node:
        if not node.op_type.startswith("TreeEnsemble"):
            continue
        attributes = {attribute.name: attribute for attribute in node.attribute}
        if "nodes_values_as_tensor" in attributes:
            values = numpy_helper.to_array(attributes["nodes_values_as_tensor"].t)
        elif "nodes_values" in attributes:
            values = attributes["nodes_values"].floats
        else:
            continue
        nodes = zip(attributes["nodes_featureids"].ints, values, attributes["nodes_modes"].strings)
        for feature, value, mode in nodes:
            if mode != b"LEAF" and abs(value) < 1e37:
                splits.setdefault(feature, set()).add(float(value))
    return splits


def between(splits, kind, rng):
    """
    Values of a column anywhere between its outermost splits and between two neighbours, and a few beyond. Neighbours that
    are next to each other in single precision have nothing between them.
    """
    import numpy as np

    at = np.array(sorted(splits), dtype=np.float64)
    beyond = (at[-1] - at[0]) * 0.1 + abs(at[0]) * 1e-6 + 1e-3
    ends = np.concatenate([[at[0] - beyond], at, [at[-1] + beyond]])
    wide = np.flatnonzero(np.diff(ends) > np.abs(ends[1:]) * 1e-6)
    low = rng.choice(wide, ROWS_AT_SPLITS)
    near = rng.uniform(ends[low], ends[low + 1])
    values = np.where(rng.random(ROWS_AT_SPLITS) < 0.5, near, rng.uniform(ends[0], ends[-1], ROWS_AT_SPLITS))
    values[rng.random(ROWS_AT_SPLITS) < 0.05] = 0
    if kind == "boolean":
        return [bool(v > 0.5) for v in values]
    return [int(round(v)) for v in values] if kind in ("integer", "long") else values.tolist()


def rows_with_gaps(frame, names):
    """The first rows of a frame; of these columns each is missing in a row of its own, all in one, and some in the others."""
    import numpy as np

    rng = np.random.default_rng(0)
    sparse = frame.iloc[np.arange(len(names) + ROWS_WITH_GAPS) % min(len(frame), ROWS_WITH_GAPS)].reset_index(drop=True)
    gaps = rng.random((len(sparse), len(names))) < 0.3
    gaps[: len(names)] = np.eye(len(names), dtype=bool)
    gaps[len(names)] = True
    for at, name in enumerate(names):
        sparse.loc[gaps[:, at], name] = None
    return sparse


def to_frame(fields, rows):
    import numpy as np
    import pandas as pd

    columns = {f["name"]: [row.get(f["name"]) for row in rows] for f in fields}
    if len(fields) == 1 and fields[0]["shape"]:
        return np.array(columns[fields[0]["name"]], dtype=np.float64)
    types = {"integer": "int64", "long": "int64", "float": "float64", "double": "float64", "boolean": "bool"}
    return pd.DataFrame(
        {f["name"]: pd.Series(columns[f["name"]], dtype=types.get(f["type"], "object")) for f in fields}
    )


def default(field):
    value = {"string": "a", "boolean": False}.get(field["type"], 0)
    for size in reversed(field["shape"]):
        value = [value] * size
    return value
