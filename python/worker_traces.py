"""The trace of a request as that of the model's own spans: see worker.py."""

import contextlib
import os


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
