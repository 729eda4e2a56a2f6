"""How values of models are told to the process that started the worker: see worker.py."""

import base64
import json
import math
from collections.abc import Collection

# Beyond it doubles do not hold every whole number.
LARGEST_EXACT = 2**53


def padded(size):
    return (size + 7) & ~7


class Refused(ValueError):
    """A value of the request that cannot be what the signature says; the caller has to correct it."""

    error_code = "INVALID_PARAMETER_VALUE"


def as_dtype(np, name, values, dtype):
    """
    The values as an array of a dtype; texts stay objects, whatever their length. Raises Refused for whole numbers that
    the dtype does not hold: numpy would wrap them.
    """
    array = np.asarray(values)
    if dtype.kind in "OUS":
        return array
    if dtype.kind in "iu" and array.dtype.kind in "iu" and array.size > 0:
        bounds = np.iinfo(dtype)
        if int(array.min()) < bounds.min or int(array.max()) > bounds.max:
            raise Refused(f'input "{name}" holds a number that {dtype} does not hold ({bounds.min} to {bounds.max})')
    return array.astype(dtype, copy=False)


def array_of_column(column):
    """
    A column of pandas as an array: times as objects, since MLflow tells a column's as texts and an array's as numbers,
    and whole numbers that lack some as objects, since numpy has to round those that doubles do not hold.
    """
    kind = column.dtype.kind
    as_objects = kind == "M" or (kind in "iu" and column.hasnans)
    return column.to_numpy(dtype=object) if as_objects else column.to_numpy()


def array_of(np, values):
    """What a model gave for rows as an array; as objects where numpy would make texts of values that are none."""
    try:
        array = np.asarray(values)
    except ValueError:  # lists of different lengths
        array = None
    if isinstance(values, np.ma.MaskedArray):  # what is masked is missing
        array = np.where(np.ma.getmaskarray(values), None, values.data)
    is_list = isinstance(values, (list, tuple))
    if array is None or (is_list and array.dtype.kind in "US" and not all_texts(values)):
        array = np.empty(len(values), dtype=object)
        for at, value in enumerate(values):
            array[at] = value
    elif is_list and array.dtype.kind in "US":
        array = np.asarray(values, dtype=object)  # numpy's own texts and bytes lose zeros at their ends
    if array.dtype.kind == "O":
        import pandas as pd

        is_missing = np.frompyfunc(lambda value: value is pd.NA or value is pd.NaT, 1, 1)
        missing = np.asarray(is_missing(array), dtype=bool)
        if missing.any():
            array = np.where(missing, None, array)
    return array


def all_texts(values):
    if isinstance(values, (list, tuple)):
        return all(all_texts(value) for value in values)
    return isinstance(values, (str, bytes))


def is_nested(values):
    """Do values that no type of numbers holds need JSON to be told: are there lists, arrays, dictionaries, numbers?"""
    return any(
        isinstance(value, (dict, list, tuple, bool, int, float)) or getattr(value, "ndim", 0) > 0 for value in values
    )


def is_one_row(answer):
    """Is an answer to one row a list, an array or a frame with one, as of a model that answers a row for each?"""
    if hasattr(answer, "shape"):
        return len(answer.shape) > 0 and answer.shape[0] == 1
    return isinstance(answer, (list, tuple)) and len(answer) == 1


def element_type(np, array):
    """The element type that goes over the wire, and the array in it."""
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "f":
        return ("float", array.astype("<f4")) if size <= 4 else ("double", array.astype("<f8"))
    if kind in "iu":
        return f"{'int' if kind == 'i' else 'uint'}{8 * size}", array.astype(array.dtype.newbyteorder("<"))
    if kind == "b":
        return "bool", array
    if kind == "M":  # as numpy and so MLflow have them: nanoseconds are numbers, all else dates and times
        array = array.astype(object)
    if array.dtype.kind == "O":
        return type_of_objects(np, array)
    return "string", array.astype(object)


def type_of_objects(np, array):
    """Numbers that are objects go as doubles, where those hold them: whole numbers beyond 2^53 stay what they are."""
    values = [v.item() if isinstance(v, np.generic) else v for v in array.reshape(-1).tolist()]
    if values and all(isinstance(v, bool) for v in values):
        return "bool", array.astype(bool)
    if values and all(v is None or (isinstance(v, (int, float)) and not isinstance(v, bool)) for v in values):
        if not any(isinstance(v, int) and abs(v) > LARGEST_EXACT for v in values):
            return "double", np.array([np.nan if v is None else v for v in values], dtype="<f8").reshape(array.shape)
        if all(isinstance(v, int) and -(2**63) <= v < 2**63 for v in values):
            return "int64", array.astype("<i8")
    objects = np.empty(len(values), dtype=object)
    objects[:] = values
    return "string", objects.reshape(array.shape)


def is_numeric(values):
    """Lists of numbers, however nested."""
    if isinstance(values, (list, tuple)):
        return len(values) > 0 and all(is_numeric(v) for v in values)
    return isinstance(values, (int, float)) and not isinstance(values, bool)


def with_floats(value, kind):
    """A nested value with whole numbers as floats where its type in MLflow's signature has them: JSON keeps no 2.0."""
    if isinstance(value, list) and hasattr(kind, "dtype"):
        return [with_floats(v, kind.dtype) for v in value]
    if isinstance(value, dict) and hasattr(kind, "properties"):
        kinds = {p.name: p.dtype for p in kind.properties}
        return {name: with_floats(v, kinds.get(name)) for name, v in value.items()}
    if isinstance(value, dict) and hasattr(kind, "value_type"):
        return {name: with_floats(v, kind.value_type) for name, v in value.items()}
    is_float = getattr(kind, "name", None) in ("double", "float")
    return float(value) if is_float and type(value) is int else value


def plain(value):
    """A value as JSON has it: no NaN, no infinities, no types of libraries. Raises TypeError for what is no data."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if type(value).__name__ in ("NAType", "NaTType"):  # missing, as pandas has it
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): plain(v) for name, v in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(v) for v in value]
    if hasattr(value, "model_dump"):
        return plain(value.model_dump())
    if hasattr(value, "to_dict") and hasattr(value, "columns"):  # a frame
        return plain(value.to_dict("records"))
    if hasattr(value, "isoformat"):  # times
        return value.isoformat()
    if hasattr(value, "tolist"):  # arrays, series, tensors and their elements
        return plain(value.tolist())
    if isinstance(value, bytes):
        return text_of(value)
    return [plain(v) for v in value] if isinstance(value, Collection) else own_text(value)


def text_of(value):
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "isoformat"):  # times
        return value.isoformat()
    return json.dumps(value) if isinstance(value, (bool, int, float)) else own_text(value)


def own_text(value):
    """The text of a value of a class that has one, as decimals do; what Python tells of any object is no answer."""
    kind = type(value)
    has_none = kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__
    if has_none or hasattr(value, "__next__") or hasattr(value, "__await__") or callable(value):
        raise TypeError(f"the model gave an object of type {kind.__name__}, which is no value: give a list or an array")
    return str(value)
