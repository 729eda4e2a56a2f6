"""Requests as MLflow's own scoring server hands them to a model: see worker.py."""

import base64
import io
import json

from worker_values import element_type, is_numeric, plain

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
# Datatypes of the Open Inference Protocol as numpy names them; FP16 and BF16 come in single precision.
DTYPES = {
    "BOOL": "?",
    "INT8": "i1",
    "INT16": "i2",
    "INT32": "i4",
    "INT64": "i8",
    "UINT8": "u1",
    "UINT16": "u2",
    "UINT32": "u4",
    "UINT64": "u8",
    "FP16": "f2",
    "BF16": "f4",
    "FP32": "f4",
    "FP64": "f8",
    "BYTES": "O",
}


def given_input(request, schema):
    """
    What a request holds: a frame, an array, arrays by name, or the request itself where it has none of the forms; in
    the types of the signature's inputs where there is one (schema), which MLflow enforces when the model predicts.
    """
    import pandas as pd

    if not isinstance(request, dict):
        return request
    if "csv" in request:
        dtypes = dict(zip(schema.input_names(), schema.pandas_types())) if schema and schema.has_input_names() else None
        return pd.read_csv(io.StringIO(request["csv"]), dtype=dtypes)
    if "parquet" in request:
        return pd.read_parquet(io.BytesIO(base64.b64decode(request["parquet"])))
    if "tensors" in request:
        return named_tensors(request["tensors"], schema)
    form = next((form for form in FORMS if form in request), None)
    if form is None:
        return request
    from mlflow.utils.proto_json_utils import dataframe_from_parsed_json, parse_tf_serving_input

    if form.startswith("dataframe_"):
        return dataframe_from_parsed_json(request[form], form.removeprefix("dataframe_"), schema)
    return parse_tf_serving_input({form: request[form]}, schema)


def named_tensors(tensors, schema):
    """The only tensor as an array, several as arrays by their names; in the dtypes of the signature where it is tensors."""
    import numpy as np

    arrays = {t["name"]: np.array(t["data"], dtype=DTYPES[t["datatype"]]).reshape(t["shape"]) for t in tensors}
    if schema is None or not schema.is_tensor_spec():
        return next(iter(arrays.values())) if len(arrays) == 1 else arrays
    if not schema.has_input_names():
        return next(iter(arrays.values())).astype(schema.inputs[0].type)
    types = schema.input_dict()
    return {name: v.astype(types[name].type) if name in types else v for name, v in arrays.items()}


def packed_answer(answer):
    """What a model gave as (element type, shape, bytes) where it is numbers, else as (string, [1], [text of JSON])."""
    import numpy as np
    import pandas as pd

    if hasattr(answer, "detach"):  # a torch tensor
        answer = answer.detach().cpu().numpy()
    if hasattr(answer, "toarray"):  # a sparse matrix
        answer = answer.toarray()
    if isinstance(answer, pd.Series):
        answer = pd.DataFrame(answer)
    array = None
    if isinstance(answer, np.ndarray) and not isinstance(answer, np.ma.MaskedArray):
        array = answer
    elif isinstance(answer, list) and is_numeric(answer):
        try:
            array = np.asarray(answer)
        except ValueError:  # lists of different lengths
            array = None
    if array is not None and array.dtype.kind in "fiub" and array.ndim > 0:
        kind, array = element_type(np, array)
        return kind, list(array.shape), np.ascontiguousarray(array).tobytes()
    return "string", [1], [json.dumps(plain(answer))]
