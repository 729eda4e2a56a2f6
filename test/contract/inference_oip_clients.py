"""Talks to a serve process with NVIDIA's tritonclient (sync and aio, as it comes: binary tensors) and KServe's client.

    inference_oip_clients.py HOST PORT
"""

import asyncio
import base64
import json
import sys

import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from tritonclient.utils import InferenceServerException

host, port = sys.argv[1], int(sys.argv[2])
url = f"{host}:{port}"
x1 = np.array([[0.5], [2.0], [-1.0]], dtype=np.float32)
x2 = np.array([[0.25], [0.0], [1.0]], dtype=np.float32)
expected = 1 / (1 + np.exp(-(x1 - x2)[:, 0]))
long = np.array([[2**60 + 1]], dtype=np.int64)
texts = np.array([["Zürich \x00".encode()]], dtype=np.object_)
vector = np.array([[1, 0.5, -2]], dtype=np.float16)


def raises(call, text):
    try:
        call()
    except InferenceServerException as error:
        assert text in error.message(), error.message()
        return error
    raise AssertionError(f"{text!r} was not raised")


def tensor(of, name, values, datatype, **how):
    made = of.InferInput(name, list(values.shape), datatype)
    made.set_data_from_numpy(values, **how)
    return made


def rows(of):
    return [tensor(of, "x1", x1, "FP32"), tensor(of, "x2", x2, "FP32")]


def everything(of):
    return [tensor(of, "text", texts, "BYTES"), tensor(of, "number", long, "INT64"), tensor(of, "vector", vector, "FP16")]


def check(result):
    assert np.allclose(result.as_numpy("probability")[:, 1], expected, atol=1e-6)
    assert result.as_numpy("label").tolist() == [1, 1, 0]
    assert result.as_numpy("label").dtype == np.int64


def check_same(result):
    assert result.as_numpy("text_out").reshape(-1)[0] == "Zürich \x00".encode(), result.as_numpy("text_out")
    assert result.as_numpy("number_out").reshape(-1).tolist() == [2**60 + 1]
    assert result.as_numpy("vector_out").reshape(-1).tolist() == [1, 0.5, -2]


# Triton, sync: everything as the client does it by itself, which is bytes both ways.
client = triton.InferenceServerClient(url, concurrency=4)
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("delay", "2026.1-rc")
server = client.get_server_metadata()
assert server["name"] == "triton" and "binary_tensor_data" in server["extensions"], server
result = client.infer("delay", rows(triton))
check(result)
assert result.get_output("probability")["parameters"]["binary_data_size"] == 24, result.get_response()
check_same(client.infer("same", everything(triton)))
for request_compression in (None, "gzip", "deflate"):
    for response_compression in (None, "gzip", "deflate"):
        many = [tensor(triton, n, np.tile(v, (500, 1)), "FP32") for n, v in (("x1", x1), ("x2", x2))]
        result = client.infer(
            "delay",
            many,
            request_compression_algorithm=request_compression,
            response_compression_algorithm=response_compression,
        )
        assert np.allclose(result.as_numpy("probability")[:, 1], np.tile(expected, 500), atol=1e-6)
wanted = [triton.InferRequestedOutput("probability", class_count=2), triton.InferRequestedOutput("label", binary_data=False)]
result = client.infer("delay", rows(triton), outputs=wanted, model_version="2026.1-rc", request_id="r")
assert result.get_response()["id"] == "r" and result.get_response()["model_version"] == "2026.1-rc"
classes = [[entry.decode().split(":") for entry in row] for row in result.as_numpy("probability")]
assert [[c[1] for c in row] for row in classes] == [["1", "0"], ["1", "0"], ["0", "1"]], classes
assert all(len(c) == 3 for row in classes for c in row)
assert result.as_numpy("label").tolist() == [1, 1, 0]
body, length = triton.InferenceServerClient.generate_request_body(rows(triton))
parsed = triton.InferenceServerClient.parse_response_body
assert length > 0 and callable(parsed)
calls = [client.async_infer("delay", rows(triton)) for _ in range(8)]
for call in calls:
    check(call.get_result())

assert raises(lambda: client.infer("nowhere", rows(triton)), "Request for unknown model").status() == "404"
raises(lambda: client.infer("delay", rows(triton)[:1]), 'input "x2" is missing')
raises(lambda: client.infer("delay", rows(triton), model_version="9"), "Request for unknown model")
error = raises(lambda: client.infer("delay", [tensor(triton, "x1", np.array([[float("inf")]], dtype=np.float64), "FP64"), tensor(triton, "x2", np.array([[1.0]]), "FP64")]), 'input "x1"')
assert error.status() == "400"

statistics = client.get_inference_statistics("delay")["model_stats"]
assert len(statistics) == 1 and statistics[0]["name"] == "delay" and statistics[0]["version"] == "2026.1-rc", statistics
counted = statistics[0]["inference_stats"]
assert counted["success"]["count"] >= 18 and counted["success"]["ns"] > 0 and counted["compute_infer"]["ns"] > 0, counted
assert counted["fail"]["count"] >= 2 and statistics[0]["inference_count"] >= 13500, statistics
assert any(batch["batch_size"] == 3 for batch in statistics[0]["batch_stats"]), statistics
assert len(client.get_inference_statistics()["model_stats"]) == 2
assert statistics == client.get_inference_statistics("delay", "2026.1-rc")["model_stats"]

metadata, config = client.get_model_metadata("same"), client.get_model_config("same")
assert [(i["name"], i["datatype"], i["shape"]) for i in metadata["inputs"]] == [("text", "BYTES", [-1, 1]), ("number", "INT64", [-1, 1]), ("vector", "FP32", [-1, 3])], metadata
assert config["name"] == "same" and config["max_batch_size"] > 0, config
assert [(i["name"], i["data_type"], i["dims"]) for i in config["input"]] == [("text", "TYPE_STRING", [1]), ("number", "TYPE_INT64", [1]), ("vector", "TYPE_FP32", [3])], config

index = client.get_model_repository_index()
assert {(m["name"], m["version"], m["state"]) for m in index} == {("delay", "2026.1-rc", "READY"), ("same", "1", "READY")}, index
raises(lambda: client.load_model("delay"), "failed to load 'delay', this server serves what control tells it to")
raises(lambda: client.unload_model("delay"), "failed to unload 'delay'")

trace = client.get_trace_settings()
assert trace["trace_rate"] == "1000" and trace["trace_level"] == ["OFF"], trace
assert client.update_trace_settings("delay", settings={"trace_rate": "5", "trace_level": ["TIMESTAMPS"]})["trace_rate"] == "5"
assert client.get_trace_settings("delay")["trace_level"] == ["TIMESTAMPS"] and client.get_trace_settings()["trace_rate"] == "1000"
assert client.update_trace_settings("delay", settings={"trace_rate": None})["trace_rate"] == "1000"
assert client.update_log_settings({"log_verbose_level": 2})["log_verbose_level"] == 2 and client.get_log_settings()["log_info"] is True
raises(lambda: client.update_log_settings({"nothing": 1}), 'there is no log setting "nothing"')


async def aio():
    async with triton_aio.InferenceServerClient(url) as client:
        assert await client.is_server_ready() and await client.is_model_ready("same")
        for result in await asyncio.gather(*(client.infer("delay", rows(triton_aio)) for _ in range(16))):
            check(result)
        check_same(await client.infer("same", everything(triton_aio)))
        result = await client.infer(
            "delay", rows(triton_aio), request_compression_algorithm="gzip", response_compression_algorithm="deflate"
        )
        check(result)
        assert (await client.get_inference_statistics("same"))["model_stats"][0]["inference_count"] == 2

    base = f"http://{url}"
    made = [InferInput(name, list(values.shape), "FP32") for name, values in (("x1", x1), ("x2", x2))]
    for binary in (False, True):
        for tensor_, values in zip(made, (x1, x2)):
            tensor_.set_data_from_numpy(values, binary_data=binary)
        v2 = InferenceRESTClient(RESTConfig(protocol="v2"))
        assert await v2.is_server_live(base) and await v2.is_server_ready(base) and await v2.is_model_ready(base, "delay")
        answer = await v2.infer(base, InferRequest("delay", made), model_name="delay")
        assert answer.model_name == "delay" and np.allclose(answer.outputs[1].as_numpy().reshape(-1, 2)[:, 1], expected, atol=1e-6)
    v1 = InferenceRESTClient(RESTConfig(protocol="v1"))
    assert await v1.is_server_live(base) and await v1.is_model_ready(base, "delay")
    answer = await v1.infer(base, {"instances": [{"x1": 0.5, "x2": 0.25}]}, model_name="delay")
    assert answer["predictions"][0]["label"] == 1, answer
    await asyncio.gather(v1.close(), v2.close())


asyncio.run(aio())
print("all clients agree")
