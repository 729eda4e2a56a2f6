"""The logged model behind a worker, and what it gives as outputs: see worker.py."""

import inspect
import json
import struct
import sys

from worker_categories import category_encoder
from worker_columns import MISSING, RowReader
from worker_requests import given_input, packed_answer
from worker_values import (
    Refused,
    array_of,
    array_of_column,
    element_type,
    is_one_row,
    is_nested,
    is_numeric,
    plain,
    text_of,
    with_floats,
)

# Classifiers whose predict is by definition the class of the greatest probability that predict_proba gives.
LABEL_IS_MOST_PROBABLE = {
    "RandomForestClassifier",
    "ExtraTreesClassifier",
    "DecisionTreeClassifier",
    "ExtraTreeClassifier",
    "LGBMClassifier",
    "XGBClassifier",
}


class OtherRows(ValueError):
    """The model's answer does not have as many rows as it was given; `answer` is that as JSON, where it is one."""

    answer = None


class Model:
    def __init__(self, header):
        sys.path.insert(0, header["model"])
        import mlflow.pyfunc
        import numpy as np
        import pandas as pd

        self.np, self.pd = np, pd
        self.fields = header["inputs"]
        self.name = header.get("output") or "output"
        # Such a model gets each request as it came.
        self.takes_requests = any(f.get("request") for f in self.fields)
        self.pyfunc = mlflow.pyfunc.load_model(header["model"])
        self.raw = self._raw_classifier()
        self.with_categories = category_encoder(pd, self.pyfunc)
        self.stream_fn = self._stream_fn()
        schema = self.pyfunc.metadata.get_input_schema()
        hinted = getattr(self.pyfunc.metadata, "_is_signature_from_type_hint", None)
        hinted = hinted is not None and hinted()
        self.reader = RowReader(self.fields, schema, self.takes_requests, hinted)
        # Fields are in the order of the signature.
        specs = schema.inputs if schema is not None else []
        self.kinds = {f["name"]: getattr(spec, "type", None) for f, spec in zip(self.fields, specs)}
        self.has_names = schema is not None and schema.has_input_names()
        # Nested values travel as texts of JSON; MLflow gives such models one row at a time, as a dictionary.
        self.row_by_row = any(f.get("json") for f in self.fields)
        # One of type hints, `predict(self, model_input: list[…])`, takes a list of its only input.
        self.takes_list = self.row_by_row and len(self.fields) == 1 and hinted
        # The values were checked and have the signature's types already; where MLflow would convert more than that
        # (times, bytes), it does.
        plain = all(f["type"] not in ("datetime", "binary") for f in self.fields)
        self.predict_fn = getattr(self.pyfunc, "_predict_fn", None) if plain else None
        self.takes_params = "params" in parameters_of(self.predict_fn) if self.predict_fn else True
        schema = self.pyfunc.metadata.get_params_schema()
        self.default_params = {p.name: p.default for p in schema.params} if schema else None

    def _raw_classifier(self):
        """The estimator behind the model where it gives probabilities; None for every other."""
        try:
            raw = self.pyfunc.get_raw_model()
        except Exception:
            return None
        if self._predict_fn_name() not in ("predict", "predict_proba"):
            return None
        return raw if hasattr(raw, "predict_proba") and hasattr(raw, "classes_") else None

    def _predict_fn_name(self):
        """What of the estimator MLflow's predict calls."""
        return self.pyfunc.metadata.flavors.get("python_function", {}).get("predict_fn", "predict")

    def _stream_fn(self):
        """What gives the pieces of an answer to a frame of one row: predict_stream, or a predict that yields."""
        if getattr(self.pyfunc, "_predict_stream_fn", None) is not None:
            return self.pyfunc.predict_stream
        try:
            predict = self.pyfunc.unwrap_python_model().predict
        except Exception:
            return None
        return self.pyfunc.predict if inspect.isgeneratorfunction(inspect.unwrap(predict)) else None

    def described(self):
        classes = None
        # One that gives several labels a row has a list of classes for each.
        if self.raw is not None and not isinstance(self.raw.classes_, list):
            classes = [c.item() if hasattr(c, "item") else c for c in self.raw.classes_]
            classes = [c if isinstance(c, (int, float, str)) and not isinstance(c, bool) else str(c) for c in classes]
        probability = self.raw is not None and self._predict_fn_name() == "predict_proba"
        primary = None if self.raw is None else "probability" if probability else "label"
        return {
            "classes": classes,
            "primary": primary,
            "python": sys.version.split()[0],
            "streams": self.stream_fn is not None,
        }

    def predict(self, header, body):
        rows = header["rows"]
        params = header.get("params")
        data = self.reader.read(body, rows, header.get("without", ()))
        self.unnamed, self.nested, self.answered, self.own = None, set(), None, None
        if self.takes_requests:
            return self._of_request(data, params)
        if self.stream_fn == self.pyfunc.predict:
            raise NotImplementedError("the model answers in pieces only")
        outputs = self._of_each_row(data, params) if self.row_by_row else self._outputs(data, params)
        try:
            described, buffers = self._described(outputs, rows)
        except OtherRows as error:
            error.answer = None if self.own is None else json.dumps(plain(self.own))
            raise
        return {"ok": True, "outputs": described, "unnamed": self.unnamed, "answered": self.answered}, buffers

    def _of_request(self, data, params):
        self.unnamed = self.name
        answer = self.pyfunc.predict(self._given(data), params=params)
        kind, shape, values = packed_answer(answer)
        if kind == "string":
            values = self._text_bytes(values)
        output = {"name": self.name, "type": kind, "shape": shape, "bytes": len(values)}
        json_text = {"json": True} if kind == "string" else {}
        described = [{**output, **json_text}]
        return {"ok": True, "outputs": described, "unnamed": self.unnamed}, [values]

    def _given(self, data):
        name = self.fields[0]["name"]
        request = parsed(name, data[name].iloc[0])
        try:
            return given_input(request, self.pyfunc.metadata.get_input_schema())
        except Exception as error:
            # The model has not been asked yet: whatever fails is the request's fault.
            raise Refused(str(error)) from error

    def _of_each_row(self, data, params):
        answers, self.answered = [], "row"
        for row in range(len(data)):
            answer = self.pyfunc.predict(self._row(data, row), params=params)
            if is_one_row(answer):  # of a model that answers a list of rows with a list
                self.answered = None
                answer = answer[0] if isinstance(answer, (list, tuple)) else answer
            answers.append(answer)
        members = [dict(self._members(answer)) for answer in answers]
        names = list(members[0])
        if all(list(m) == names for m in members):
            by_row = hasattr(answers[0], "shape")
            return [(name, self._of_rows(name, [m[name] for m in members], by_row)) for name in names]
        if not self.takes_list:
            raise ValueError("the model gave different outputs for the rows")
        self.unnamed = self.name
        return [(self.name, self._of_rows(self.name, answers))]

    def _row(self, data, row):
        given = self._dictionary(data, row)
        if self.takes_list:
            return [given.get(self.fields[0]["name"])]
        # MLflow takes the members of a map for rows where it is given a dictionary of nothing but maps.
        others = any(hasattr(kind, "dtype") or hasattr(kind, "properties") for kind in self.kinds.values())
        return given if self.has_names and others else self.pd.DataFrame([given])

    def _dictionary(self, data, row):
        """
        A row as MLflow hands nested values to a model: null where an optional one was sent so, and without all else that
        is missing.
        """
        values = {}
        for field in self.fields:
            if field["name"] not in data:
                continue
            value = data[field["name"]].iloc[row]
            value = value.item() if hasattr(value, "item") else value
            if field.get("json") and isinstance(value, str):
                value = with_floats(parsed(field["name"], value), self.kinds.get(field["name"]))
            any_type = type(self.kinds.get(field["name"])).__name__ == "AnyType"
            if value is not None and value == value:
                values[field["name"]] = value
            elif any_type or (field.get("json") and field.get("omittable")):
                values[field["name"]] = None
        return values

    def _described(self, outputs, rows):
        described, buffers = [], []
        for name, values in outputs:
            kind, shape, buffer = self._packed(name, values, rows)
            json_text = {"json": True} if name in self.nested else {}
            described.append({"name": name, "type": kind, "shape": shape, "bytes": len(buffer), **json_text})
            buffers.append(buffer + bytes(-len(buffer) % 8))
        return described, buffers

    def pieces(self, header, body):
        """The pieces of the answer to one row, each as it is and as outputs of one row."""
        data = self.reader.read(body, 1, header.get("without", ()))
        if self.takes_requests:
            row = self._given(data)
        else:
            row = self._dictionary(data, 0) if self.row_by_row else data
        self.nested = set()
        for piece in self.stream_fn(row, params=header.get("params")):
            self.unnamed = None
            outputs = [(name, self._of_rows(name, [value])) for name, value in self._members(piece)]
            described, buffers = self._described(outputs, 1)
            yield {"value": plain(piece), "outputs": described, "unnamed": self.unnamed}, buffers

    def _members(self, answer):
        """What a model gave for one row as (name, value)."""
        if hasattr(answer, "model_dump"):  # pydantic
            answer = answer.model_dump()
        if isinstance(answer, dict):
            return [(str(name), value) for name, value in answer.items()]
        if isinstance(answer, self.pd.DataFrame):
            return self._named(answer)
        self.unnamed = self.name
        return [(self.name, answer)]

    def _of_rows(self, name, values, by_row=True):
        """
        An output of rows that were asked one by one: as JSON where one of them is nothing else, or another thing. Arrays
        with one row are that (by_row) where the model gave arrays.
        """
        np = self.np
        if not any(v is None or (isinstance(v, (dict, list, tuple)) and not is_numeric(v)) for v in values):
            arrays = [np.asarray(v.detach().cpu() if hasattr(v, "detach") else v) for v in values]
            arrays = [a if by_row and a.ndim > 0 and a.shape[0] == 1 else a[None] for a in arrays]
            if len({(array.dtype.kind in "OUS", array.shape) for array in arrays}) == 1:
                return np.concatenate(arrays)
        self.nested.add(name)
        return np.array([json.dumps(plain(value)) for value in values], dtype=object)

    def _outputs(self, data, params):
        if self.raw is None:
            self.own = self._predict(data, params)
            return self._named(self.own)
        data = self.with_categories(data)
        probability = self.raw.predict_proba(data)
        # Params that its signature does not know are none, as in MLflow.
        if params and self.default_params is not None:
            own = self._predict(data, params)
            if self._predict_fn_name() == "predict":
                return [("label", own), ("probability", probability)]
            return [("label", self.raw.predict(data)), ("probability", own)]
        final = self.raw.steps[-1][1] if hasattr(self.raw, "steps") else self.raw
        if type(final).__name__ in LABEL_IS_MOST_PROBABLE and getattr(probability, "ndim", 0) == 2:
            label = self.np.asarray(self.raw.classes_).take(probability.argmax(axis=1))
        else:
            label = self.raw.predict(data)
        if isinstance(probability, list):  # several labels a row: one table of probabilities for each
            return [("label", label), *((f"probability_{i}", p) for i, p in enumerate(probability))]
        return [("label", label), ("probability", probability)]

    def _predict(self, data, params):
        # MLflow checks params against the model's own list of them.
        if self.predict_fn is None or params:
            return self.pyfunc.predict(data, params=params)
        return self.predict_fn(data, params=self.default_params) if self.takes_params else self.predict_fn(data)

    def _named(self, result):
        """What a model gave as a list of (name, values)."""
        pd = self.pd
        if hasattr(result, "detach"):  # a torch tensor
            result = result.detach().cpu().numpy()
        if hasattr(result, "toarray"):  # a sparse matrix
            result = result.toarray()
        if isinstance(result, list) and result and all(isinstance(row, dict) for row in result):
            result = pd.DataFrame(result)
        if isinstance(result, pd.DataFrame):
            places = {str(name): at for at, name in enumerate(result.columns)}  # of two of a name the last, as in MLflow
            return [(name, array_of_column(result.iloc[:, at])) for name, at in places.items()]
        if isinstance(result, dict):
            self.answered = "columns"
            return [(str(name), values) for name, values in result.items()]
        if isinstance(result, (str, int, float, bool)):
            result = [result]
        if isinstance(result, (pd.Series, pd.api.extensions.ExtensionArray)):
            result = array_of_column(pd.Series(result))
        self.unnamed = self.name
        return [(self.name, result)]

    def _packed(self, name, values, rows):
        np = self.np
        if hasattr(values, "detach"):
            values = values.detach().cpu().numpy()
        array = array_of(np, values)
        if array.ndim == 0 and rows == 1:
            array = array.reshape(1)
        if array.ndim == 0 or array.shape[0] != rows:
            got = "one value" if array.ndim == 0 else f"{array.shape[0]} rows"
            raise OtherRows(f'the model gave {got} as "{name}" for {rows} rows')
        kind, array = element_type(np, array)
        if kind != "string":
            return kind, list(array.shape), np.ascontiguousarray(array).tobytes()
        values = array.reshape(-1).tolist()
        if is_nested(values):
            self.nested.add(name)
            return kind, [rows], self._text_bytes([json.dumps(plain(value)) for value in array.tolist()])
        return kind, list(array.shape), self._text_bytes(values)

    def _text_bytes(self, values):
        texts = [None if value is None else text_of(value).encode() for value in values]
        lengths = [MISSING if text is None else len(text) for text in texts]
        return struct.pack(f"<{len(texts)}I", *lengths) + b"".join(text for text in texts if text)


def parsed(name, text):
    try:
        return json.loads(text)
    except ValueError as error:
        raise Refused(f'input "{name}" is no JSON') from error


def parameters_of(function):
    return inspect.signature(function).parameters
