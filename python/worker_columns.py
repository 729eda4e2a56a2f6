"""Rows that a worker is sent, as MLflow hands them to its model: see worker.py."""

import base64
import datetime

from worker_values import Refused, as_dtype, padded

MISSING = 0xFFFFFFFF
# How the types of a signature lie in a body, as numpy names them; texts have none.
NUMBERS = {"boolean": "?", "integer": "<i4", "long": "<i8", "float": "<f4", "double": "<f8"}


class RowReader:
    """Reads bodies of the fields of a model whose signature has the inputs of `schema` (None: no signature)."""

    def __init__(self, fields, schema, takes_requests, hinted=False):
        """hinted: the signature is that of type hints, by which the model wants Python's own times."""
        import numpy as np
        import pandas as pd

        self.np, self.pd = np, pd
        self.fields, self.hinted = fields, hinted
        self.labels = labels_of(fields, schema)
        self.columns = pd.Index([self.labels[f["name"]] for f in fields])
        # Tensors reach the model in their own dtypes: those with names in a dictionary, the one without as it is.
        is_tensors = schema is not None and schema.is_tensor_spec() and not takes_requests
        self.tensor_types = [np.dtype(spec.type) for spec in schema.inputs] if is_tensors else None
        self.named_tensors = is_tensors and schema.has_input_names()
        kinds = {f["type"] for f in fields}
        self.one_block = (
            not is_tensors
            and len(fields) > 1
            and len(kinds) == 1
            and all(not f["shape"] for f in fields)
            and NUMBERS.get(fields[0]["type"])
        )

    def read(self, body, rows, without):
        """
        The rows as a frame of columns, but for optional ones that were not sent (without), or as arrays for tensors.
        """
        np, pd = self.np, self.pd
        if self.one_block and not without:
            dtype = np.dtype(self.one_block)
            stride = padded(dtype.itemsize * rows)
            if stride == dtype.itemsize * rows:
                block = np.frombuffer(body, dtype, rows * len(self.fields)).reshape(len(self.fields), rows).T
                return pd.DataFrame(block, columns=self.columns, copy=False)
        columns, at = {}, 0
        for field in self.fields:
            if field["name"] in without:
                continue
            values, at = self._column(field, body, at, rows)
            columns[self.labels[field["name"]]] = values
        if self.tensor_types is not None:
            columns = {name: as_dtype(np, name, v, t) for (name, v), t in zip(columns.items(), self.tensor_types)}
            return columns if self.named_tensors else next(iter(columns.values()))
        return pd.DataFrame(columns, copy=False)

    def _column(self, field, body, at, rows):
        np = self.np
        width = 1
        for size in field["shape"]:
            width *= max(1, size)
        count = rows * width
        if field["type"] in NUMBERS:
            dtype = np.dtype(NUMBERS[field["type"]])
            values = np.frombuffer(body, dtype, count, at)
            at += padded(dtype.itemsize * count)
        else:
            lengths = np.frombuffer(body, "<u4", count, at)
            at += 4 * count
            texts = []
            for length in lengths.tolist():
                if length == MISSING:
                    texts.append(None)
                    continue
                texts.append(body[at : at + length].decode())
                at += length
            at = padded(at)
            values = self._texts(field, texts)
        if field["shape"]:
            shape = [max(1, size) for size in field["shape"]]
            values = np.asarray(values).reshape(rows, *shape)
        return values, at

    def _texts(self, field, texts):
        kind = field["type"]
        if kind == "datetime" and self.hinted:
            return self.pd.Series([own_time(field["name"], text) for text in texts], dtype=object)
        if kind == "datetime":
            return self.pd.Series(self._times(field["name"], texts)).dt.tz_localize(None)
        if kind == "binary":
            texts = [None if t is None else bytes_of(t) for t in texts]
        if kind == "binary" or all(t is None for t in texts):
            return self.pd.Series(texts, dtype=object)
        return self.pd.Series(texts)

    def _times(self, name, texts):
        """Times as pandas reads them; those of ISO 8601 may be written each in its own way."""
        try:
            return self.pd.to_datetime(texts, utc=True, format="ISO8601")
        except ValueError:
            pass
        try:
            return self.pd.to_datetime(texts, utc=True)
        except (ValueError, OverflowError) as error:
            raise no_time(name) from error


def own_time(name, text):
    """A time with the zone that it was written with."""
    try:
        return None if text is None else datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise no_time(name) from error


def no_time(name):
    return Refused(f'input "{name}" is no time that can be read, such as 2026-01-31T12:00:00Z')


def bytes_of(text):
    """Bytes of base64; in lines, as MLflow's own examples have it, too."""
    return base64.b64decode("".join(text.split()), validate=True)


def labels_of(fields, schema):
    """What the model calls its columns, by their names: numbers in frames of arrays, and where none has a name."""
    own = {f["name"]: f["name"] for f in fields}
    if schema is None or schema.has_input_names():
        return {**own, **{str(label): label for label in (schema.input_names() if schema else [])}}
    by_place = not schema.is_tensor_spec() and not any(f.get("json") or f.get("request") for f in fields)
    return {name: at for at, name in enumerate(own)} if by_place else own
