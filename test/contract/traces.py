"""
A script with traces, as somebody writes it for MLflow, and what its client finds again: with MLflow 3 and with 2.x.

Usage: MLFLOW_TRACKING_URI=<url> python traces.py
Asserts what the client gives back, and prints the ids of the traces by name, as JSON.
"""

import asyncio
import json
import os

import mlflow
from mlflow.entities import SpanEvent

THREE = int(mlflow.__version__.split(".")[0]) >= 3
if not THREE:
    # The processor of MLflow 2 does not call its parent's constructor, whose fields newer releases of
    # OpenTelemetry's SDK use here; with the releases of its time this is what happens.
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    SimpleSpanProcessor.on_end = lambda self, span: self.span_exporter.export((span,))
client = mlflow.MlflowClient()
experiment = mlflow.set_experiment("traced")


@mlflow.trace(span_type="RETRIEVER", attributes={"depth": 3})
def retrieve(question):
    return [{"page": 1, "text": f"about {question}"}]


@mlflow.trace(name="answer")
def answer(question):
    with mlflow.start_span(name="prompt", span_type="PARSER") as span:
        span.set_inputs({"question": question})
        span.set_attribute("tokens", 17)
        span.set_attribute("ratio", 0.5)
        span.set_attribute("nested", {"list": [1, 2.5, "x", None, True]})
        span.add_event(SpanEvent("cut", attributes={"at": 12}))
        span.set_outputs("prompt")
    retrieve(question)
    if THREE:
        mlflow.update_current_trace(metadata={"mlflow.trace.session": "session-1", "mlflow.trace.user": "ada"})
    return {"text": "forty-two"}


@mlflow.trace
def failing():
    raise ValueError("boom")


@mlflow.trace
async def waiting():
    await asyncio.sleep(0.001)
    return "awaited"


@mlflow.trace
def streaming():
    yield from ("a", "b", "c")


answer("wähle")
try:
    failing()
except ValueError:
    pass
asyncio.run(waiting())
if THREE:
    assert list(streaming()) == ["a", "b", "c"]
with mlflow.start_run() as run:
    answer("inside a run")
root = client.start_trace(name="by hand", inputs={"x": 1}, tags={"kind": "manual"})
ids = (root.trace_id, root.trace_id) if THREE else (root.request_id, root.request_id)
child = client.start_span(name="step", **{"trace_id" if THREE else "request_id": ids[0]}, parent_id=root.span_id)
client.end_span(ids[0], child.span_id, outputs={"y": 2})
client.end_trace(ids[0], outputs={"z": 3})
if hasattr(mlflow, "flush_trace_async_logging"):
    try:
        mlflow.flush_trace_async_logging()
    except AttributeError:
        # MLflow 2 has no queue unless asked for one.
        pass


def found(filter_string=None, **kwargs):
    infos = client.search_traces(experiment_ids=[experiment.experiment_id], filter_string=filter_string, **kwargs)
    return [trace.info for trace in infos]


def id_of(info):
    return info.trace_id if THREE else info.request_id


# Found by what a person asks for.
everything = found()
assert len(everything) == (6 if THREE else 5), everything
assert [i.timestamp_ms for i in everything] == sorted((i.timestamp_ms for i in everything), reverse=True)
assert [i.tags["mlflow.traceName"] for i in found("status = 'ERROR'")] == ["failing"]
[inside] = found(f"run_id = '{run.info.run_id}'")
assert inside.request_metadata["mlflow.sourceRun"] == run.info.run_id
assert len(found("name = 'answer'")) == 2
assert len(found(f"timestamp_ms >= {everything[1].timestamp_ms}", order_by=["timestamp_ms ASC"])) >= 2
assert [i.tags["kind"] for i in found("tags.kind = 'manual'")] == ["manual"]
first = client.search_traces(experiment_ids=[experiment.experiment_id], max_results=2)
second = client.search_traces(experiment_ids=[experiment.experiment_id], max_results=2, page_token=first.token)
assert first.token and [t.info.timestamp_ms for t in [*first, *second]] == [i.timestamp_ms for i in everything[:4]]
for bad in ("nonsense", "foo = 'a'", "status > 'OK'"):
    try:
        found(bad)
    except mlflow.exceptions.MlflowException as error:
        assert error.error_code == "INVALID_PARAMETER_VALUE", error
    else:
        raise AssertionError(bad)
frame = mlflow.search_traces(experiment_ids=[experiment.experiment_id])
assert len(frame) == len(everything), frame

# Read again, with its spans.
trace = client.get_trace(id_of(inside))
spans = {span.name: span for span in trace.data.spans}
assert set(spans) == {"answer", "prompt", "retrieve"}, spans
assert spans["answer"].parent_id is None
assert spans["prompt"].parent_id == spans["retrieve"].parent_id == spans["answer"].span_id
assert spans["answer"].inputs == {"question": "inside a run"} and spans["answer"].outputs == {"text": "forty-two"}
assert spans["retrieve"].span_type == "RETRIEVER" and spans["retrieve"].attributes["depth"] == 3
prompt = spans["prompt"]
assert prompt.attributes["ratio"] == 0.5 and prompt.attributes["tokens"] == 17
assert prompt.attributes["nested"] == {"list": [1, 2.5, "x", None, True]}, prompt.attributes
assert prompt.events[0].name == "cut" and prompt.events[0].attributes == {"at": 12}, prompt.events
assert prompt.start_time_ns < prompt.end_time_ns and prompt.start_time_ns % 1000 != 0
[failed] = found("status = 'ERROR'")
[bad] = client.get_trace(id_of(failed)).data.spans
assert bad.status.status_code == "ERROR" and "boom" in bad.status.description
assert bad.events[0].attributes["exception.type"] == "ValueError"

# Tags
client.set_trace_tag(id_of(inside), "team", "ops")
assert [id_of(i) for i in found("tags.team = 'ops'")] == [id_of(inside)]
client.delete_trace_tag(id_of(inside), "team")
assert found("tags.team = 'ops'") == []

if THREE:
    assert inside.trace_metadata["mlflow.trace.session"] == "session-1"
    assert len(found("metadata.`mlflow.trace.session` = 'session-1'")) == 2
    assert {i.tags["mlflow.traceName"] for i in found("span.type = 'RETRIEVER'")} == {"answer"}
    assert len(found("trace.text LIKE '%wähle%'")) == 1
    feedback = mlflow.log_feedback(trace_id=inside.trace_id, name="quality", value=0.5, rationale="half right")
    mlflow.log_expectation(trace_id=inside.trace_id, name="truth", value={"text": ["forty-two"]})
    mlflow.override_feedback(trace_id=inside.trace_id, assessment_id=feedback.assessment_id, value=0.9)
    assert [id_of(i) for i in found("feedback.quality > 0.8")] == [inside.trace_id]
    values = {a.name: a.value for a in mlflow.get_trace(inside.trace_id).info.assessments if a.valid is not False}
    assert values == {"quality": 0.9, "truth": {"text": ["forty-two"]}}, values
    other = client.create_run(experiment.experiment_id)
    client.link_traces_to_run([id_of(failed)], other.info.run_id)
    assert [id_of(i) for i in found(f"run_id = '{other.info.run_id}'")] == [id_of(failed)]

    # OpenTelemetry's own exporter, packed, without MLflow.
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(
        endpoint=os.environ["MLFLOW_TRACKING_URI"] + "/v1/traces",
        headers={"x-mlflow-experiment-id": experiment.experiment_id},
        compression=Compression.Gzip,
    )
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("order", attributes={"items": 3, "price": 2.0}) as span:
        with tracer.start_as_current_span("pay"):
            pass
    provider.shutdown()
    [order] = found("tags.`service.name` = 'shop'")
    exported = client.get_trace(order.trace_id)
    assert [s.name for s in exported.data.spans] == ["order", "pay"]
    assert exported.data.spans[0].attributes["items"] == 3 and exported.data.spans[0].attributes["price"] == 2.0
    assert order.trace_id == f"tr-{span.get_span_context().trace_id:032x}" and order.state == "OK"
    gone = client.delete_traces(experiment_id=experiment.experiment_id, trace_ids=[order.trace_id])

    # The same in OTLP's JSON, with the names of the conventions for generative AI.
    import requests

    value = lambda v: {"intValue": str(v)} if isinstance(v, int) else {"stringValue": v}
    pairs = lambda d: [{"key": k, "value": value(v)} for k, v in d.items()]
    chat = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": '[{"role": "user", "content": "2+2?"}]',
        "gen_ai.output.messages": '[{"role": "assistant", "content": "4"}]',
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.response.model": "m-1",
    }
    child = {"traceId": "5b" * 16, "spanId": "0c" * 8, "name": "chat", "startTimeUnixNano": "1000000000"}
    child |= {"parentSpanId": "0a" * 8, "endTimeUnixNano": "2000000000", "attributes": pairs(chat)}
    prompted = child | {"spanId": "0a" * 8, "name": "prompted", "attributes": []}
    del prompted["parentSpanId"]
    resource = {"attributes": pairs({"service.name": "gemini-cli"})}
    sent = requests.post(
        os.environ["MLFLOW_TRACKING_URI"] + "/v1/traces",
        headers={"x-mlflow-experiment-id": experiment.experiment_id, "Content-Type": "application/json"},
        json={"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [prompted, child]}]}]},
        timeout=120,
    )
    assert sent.status_code == 200, sent.text
    exported = client.get_trace("tr-" + "5b" * 16)
    [root, step] = exported.data.spans
    assert root.get_attribute("service.name") == "gemini-cli" and step.get_attribute("service.name") is None
    assert step.span_type == "CHAT_MODEL" and step.get_attribute("mlflow.llm.model") == "m-1"
    assert step.inputs == [{"role": "user", "content": "2+2?"}], step.inputs
    assert step.outputs == [{"role": "assistant", "content": "4"}], step.outputs
    tokens = {"input_tokens": 100, "output_tokens": 50, "total_tokens": 150}
    assert exported.info.token_usage == step.get_attribute("mlflow.chat.tokenUsage") == tokens
    client.delete_traces(experiment_id=experiment.experiment_id, trace_ids=[exported.info.trace_id])
else:
    extra = client.start_trace(name="to delete")
    client.end_trace(extra.request_id)
    gone = client.delete_traces(experiment_id=experiment.experiment_id, request_ids=[extra.request_id])
assert gone == 1
assert len(found()) == len(everything)
print(json.dumps({i.tags["mlflow.traceName"]: id_of(i) for i in everything} | {"run": run.info.run_id}))
