"""Serves one logged MLflow model to the process that started it, over the socket that it inherits as descriptor 3.

    worker.py DESCRIPTOR

A frame is two little-endian uint32 (length of the header, length of the body), the header as JSON, and the body.
The first request is {"op": "load"}, the others are {"op": "predict"}, which get one answer, and {"op": "stream"},
which get one for each piece ("more": true) and a last one; {"op": "stop"} asks for that last one soon and is not
answered itself. Columns lie in the body one after the other, each padded to eight bytes: numbers as they are, texts
as their lengths (uint32, all bits set for a missing one) and then their bytes. Nothing that comes over the socket is
unpickled or evaluated.

"trace" of a request has the W3C headers of the trace that it belongs to: they are the environment variables
TRACEPARENT and TRACESTATE, and the current context of OpenTelemetry and of MLflow's tracing, while the model computes.
"""

import base64
import contextlib
import inspect
import json
import math
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
import traceback
import warnings

warnings.filterwarnings("ignore")

LENGTHS = struct.Struct("<II")
LARGEST_BODY = 1 << 30
MISSING = 0xFFFFFFFF
# How the types of a signature lie in a body, as numpy names them; texts have none.
DTYPES = {"boolean": "?", "integer": "<i4", "long": "<i8", "float": "<f4", "double": "<f8"}
# Classifiers whose predict is by definition the class of the greatest probability that predict_proba gives.
LABEL_IS_MOST_PROBABLE = {
    "RandomForestClassifier",
    "ExtraTreesClassifier",
    "DecisionTreeClassifier",
    "ExtraTreeClassifier",
    "LGBMClassifier",
    "XGBClassifier",
}


def main():
    parent = os.getppid()
    die_with_parent(parent)
    connection = socket.socket(fileno=int(sys.argv[1]))
    connection.setblocking(True)
    # What the model's code prints goes to the log.
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    model = None
    while True:
        frame = read_frame(connection)
        if frame is None:
            return
        header, body = frame
        if header["op"] == "stop":  # of a stream that had ended already
            continue
        try:
            with trace_context(header.get("trace")):
                if header["op"] == "load":
                    model = Model(header)
                    answer, buffers = {"ok": True, **model.described()}, []
                elif header["op"] == "stream":
                    send_pieces(connection, model.pieces(header, body))
                    answer, buffers = {"ok": True}, []
                else:
                    answer, buffers = model.predict(header, body)
        except BaseException as error:  # the model's own code may raise anything, SystemExit too
            traceback.print_exc()
            answer, buffers = {"ok": False, "type": type(error).__name__, "message": message_of(error)}, []
        write_frame(connection, answer, buffers)


def send_pieces(connection, pieces):
    """Sends pieces until there are no more or nobody wants them; the socket holds a model back that is too fast."""
    with contextlib.closing(pieces):
        for answer, buffers in pieces:
            write_frame(connection, {"ok": True, "more": True, **answer}, buffers)
            if select.select([connection], [], [], 0)[0]:
                if read_frame(connection) is None:
                    raise SystemExit(0)
                return


@contextlib.contextmanager
def trace_context(trace):
    """Makes the trace of a request that of the model's own spans."""
    if not trace:
        yield
        return
    names = {"TRACEPARENT": trace.get("traceparent"), "TRACESTATE": trace.get("tracestate")}
    os.environ.update({name: value for name, value in names.items() if value})
    try:
        with mlflow_context(trace), open_telemetry_context(trace):
            yield
    finally:
        for name in names:
            os.environ.pop(name, None)


def mlflow_context(trace):
    try:
        from mlflow.tracing import set_tracing_context_from_http_request_headers

        return set_tracing_context_from_http_request_headers(trace)
    except ImportError:  # an MLflow that does not know the traces of others
        return contextlib.nullcontext()


@contextlib.contextmanager
def open_telemetry_context(trace):
    try:
        from opentelemetry import context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    except ImportError:
        yield
        return
    token = context.attach(TraceContextTextMapPropagator().extract(trace))
    try:
        yield
    finally:
        context.detach(token)


def die_with_parent(parent):
    """No worker outlives the process that started it, however that ended."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG, Linux only
    except Exception:
        pass

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def message_of(error):
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:500]


def read_exactly(connection, size):
    data = bytearray(size)
    view, at = memoryview(data), 0
    while at < size:
        count = connection.recv_into(view[at:])
        if count == 0:
            return None
        at += count
    return data


def read_frame(connection):
    lengths = read_exactly(connection, LENGTHS.size)
    if lengths is None:
        return None
    header_length, body_length = LENGTHS.unpack(lengths)
    if header_length > LARGEST_BODY or body_length > LARGEST_BODY:
        raise SystemExit("a frame that is too long")
    header = read_exactly(connection, header_length)
    body = read_exactly(connection, body_length)
    if header is None or body is None:
        return None
    return json.loads(header), body


def write_frame(connection, header, buffers):
    text = json.dumps(header).encode()
    connection.sendall(LENGTHS.pack(len(text), sum(len(b) for b in buffers)) + text + b"".join(buffers))


class Model:
    def __init__(self, header):
        sys.path.insert(0, header["model"])
        import mlflow.pyfunc
        import numpy as np
        import pandas as pd

        self.np, self.pd = np, pd
        self.fields = header["inputs"]
        self.name = header.get("output") or "output"
        self.pyfunc = mlflow.pyfunc.load_model(header["model"])
        self.raw = self._raw_classifier()
        self.stream_fn = self._stream_fn()
        self.columns = pd.Index([f["name"] for f in self.fields])
        kinds = {f["type"] for f in self.fields}
        self.one_block = (
            len(self.fields) > 1
            and len(kinds) == 1
            and all(not f["shape"] for f in self.fields)
            and DTYPES.get(self.fields[0]["type"])
        )
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
        return raw if hasattr(raw, "predict_proba") and hasattr(raw, "classes_") else None

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
        if self.raw is not None:
            classes = [c.item() if hasattr(c, "item") else c for c in self.raw.classes_]
            classes = [c if isinstance(c, (int, float, str)) and not isinstance(c, bool) else str(c) for c in classes]
        config = self.pyfunc.metadata.flavors.get("python_function", {})
        probability = self.raw is not None and config.get("predict_fn") == "predict_proba"
        primary = None if self.raw is None else "probability" if probability else "label"
        return {
            "classes": classes,
            "primary": primary,
            "python": sys.version.split()[0],
            "streams": self.stream_fn is not None,
        }

    def predict(self, header, body):
        rows = header["rows"]
        data = self._read(body, rows)
        self.unnamed = None
        if self.stream_fn == self.pyfunc.predict:
            raise NotImplementedError("the model answers in pieces only")
        described, buffers = self._described(self._outputs(data, header.get("params") or None), rows)
        return {"ok": True, "outputs": described, "unnamed": self.unnamed}, buffers

    def _described(self, outputs, rows):
        described, buffers = [], []
        for name, values in outputs:
            kind, shape, buffer = self._packed(name, values, rows)
            described.append({"name": name, "type": kind, "shape": shape, "bytes": len(buffer)})
            buffers.append(buffer + bytes(-len(buffer) % 8))
        return described, buffers

    def pieces(self, header, body):
        """The pieces of the answer to one row, each as it is and as outputs of one row."""
        for piece in self.stream_fn(self._read(body, 1), params=header.get("params") or None):
            if hasattr(piece, "model_dump"):  # pydantic
                piece = piece.model_dump()
            self.unnamed = None
            outputs = [(name, self._of_one_row(values)) for name, values in self._members(piece)]
            described, buffers = self._described(outputs, 1)
            yield {"value": plain(piece), "outputs": described, "unnamed": self.unnamed}, buffers

    def _members(self, piece):
        if isinstance(piece, dict):
            return [(str(name), values) for name, values in piece.items()]
        if isinstance(piece, self.pd.DataFrame):
            return self._named(piece)
        self.unnamed = self.name
        return [(self.name, piece)]

    def _of_one_row(self, values):
        np = self.np
        if isinstance(values, (dict, list, tuple)) and not is_numeric(values):
            return np.array([json.dumps(plain(values))], dtype=object)
        if hasattr(values, "detach"):
            values = values.detach().cpu().numpy()
        array = np.asarray(values)
        return array if array.ndim > 0 and array.shape[0] == 1 else array[None]

    def _outputs(self, data, params):
        if self.raw is None or params:
            return self._named(self._predict(data, params))
        probability = self.raw.predict_proba(data)
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

    def _read(self, body, rows):
        """The rows as MLflow hands them to a model: a frame of columns, or arrays for tensors."""
        np, pd = self.np, self.pd
        if self.one_block:
            dtype = np.dtype(self.one_block)
            stride = padded(dtype.itemsize * rows)
            if stride == dtype.itemsize * rows:
                block = np.frombuffer(body, dtype, rows * len(self.fields)).reshape(len(self.fields), rows).T
                return pd.DataFrame(block, columns=self.columns, copy=False)
        columns, at = {}, 0
        for field in self.fields:
            values, at = self._column(field, body, at, rows)
            columns[field["name"]] = values
        if any(f["shape"] for f in self.fields):
            return next(iter(columns.values())) if len(columns) == 1 else columns
        return pd.DataFrame(columns, copy=False)

    def _column(self, field, body, at, rows):
        np = self.np
        width = 1
        for size in field["shape"]:
            width *= max(1, size)
        count = rows * width
        if field["type"] in DTYPES:
            dtype = np.dtype(DTYPES[field["type"]])
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
            values = self._texts(field["type"], texts)
        if field["shape"]:
            shape = [max(1, size) for size in field["shape"]]
            values = np.asarray(values).reshape(rows, *shape)
        return values, at

    def _texts(self, kind, texts):
        if kind == "datetime":
            return self.pd.Series(self.pd.to_datetime(texts, utc=True)).dt.tz_localize(None)
        if kind == "binary":
            texts = [None if t is None else base64.b64decode(t, validate=True) for t in texts]
        if kind == "binary" or all(t is None for t in texts):
            return self.pd.Series(texts, dtype=object)
        return self.pd.Series(texts)

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
            return [(str(name), result[name].to_numpy()) for name in result.columns]
        if isinstance(result, dict):
            return [(str(name), values) for name, values in result.items()]
        if isinstance(result, (str, int, float, bool)):
            result = [result]
        if isinstance(result, pd.Series):
            result = result.to_numpy()
        self.unnamed = self.name
        return [(self.name, result)]

    def _packed(self, name, values, rows):
        np = self.np
        if hasattr(values, "detach"):
            values = values.detach().cpu().numpy()
        try:
            array = np.asarray(values)
        except ValueError:  # lists of different lengths
            array = np.empty(len(values), dtype=object)
            array[:] = values
        if array.ndim == 0 and rows == 1:
            array = array.reshape(1)
        if array.ndim == 0 or array.shape[0] != rows:
            got = "one value" if array.ndim == 0 else f"{array.shape[0]} rows"
            raise ValueError(f'the model gave {got} as "{name}" for {rows} rows')
        kind, array = element_type(np, array)
        if kind != "string":
            return kind, list(array.shape), np.ascontiguousarray(array).tobytes()
        texts = [text_of(value).encode() for value in array.reshape(-1).tolist()]
        lengths = struct.pack(f"<{len(texts)}I", *map(len, texts))
        return kind, list(array.shape), lengths + b"".join(texts)


def parameters_of(function):
    return inspect.signature(function).parameters


def padded(size):
    return (size + 7) & ~7


def element_type(np, array):
    """The element type that goes over the wire, and the array in it."""
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "f":
        return ("float", array.astype("<f4")) if size <= 4 else ("double", array.astype("<f8"))
    if kind in "iu":
        return f"{'int' if kind == 'i' else 'uint'}{8 * size}", array.astype(array.dtype.newbyteorder("<"))
    if kind == "b":
        return "bool", array
    if kind == "M":
        return "string", np.datetime_as_string(array, unit="auto").astype(object)
    if kind == "O":
        values = array.reshape(-1).tolist()
        if values and all(isinstance(v, bool) for v in values):
            return "bool", array.astype(bool)
        if values and all(v is None or (isinstance(v, (int, float)) and not isinstance(v, bool)) for v in values):
            return "double", np.array([np.nan if v is None else v for v in values], dtype="<f8").reshape(array.shape)
    return "string", array.astype(object)


def is_numeric(values):
    """Lists of numbers, however nested."""
    if isinstance(values, (list, tuple)):
        return len(values) > 0 and all(is_numeric(v) for v in values)
    return isinstance(values, (int, float)) and not isinstance(values, bool)


def plain(value):
    """A value as JSON has it: no NaN, no infinities, no types of libraries."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
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
    if hasattr(value, "tolist"):  # arrays, series, tensors and their elements
        return plain(value.tolist())
    return text_of(value) if isinstance(value, bytes) else str(value)


def text_of(value):
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return "" if value is None else json.dumps(value, default=str)


if __name__ == "__main__":
    main()
