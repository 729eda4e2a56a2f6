"""Talks to a serve process over gRPC with NVIDIA's tritonclient.

    clients.py ADDRESS
"""

import asyncio
import queue
import sys

import grpc
import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from tritonclient.grpc import service_pb2 as pb
from tritonclient.utils import InferenceServerException

address = sys.argv[1]
x1, x2 = np.array([[0.5], [2.0], [-1.0]]), np.array([[0.25], [0.0], [1.0]])
expected = 1 / (1 + np.exp(-(x1 - x2)))[:, 0]


def tensors(module=triton, a=x1, b=x2, datatype="FP64"):
    made = []
    for name, values in (("x1", a), ("x2", b)):
        made.append(module.InferInput(name, list(values.shape), datatype))
        made[-1].set_data_from_numpy(values)
    return made


def agrees(answer, rows=slice(None)):
    assert np.allclose(answer.as_numpy("probability")[:, 1], expected[rows], atol=1e-6), answer.get_response()
    assert answer.as_numpy("label").tolist() == [1, 1, 0][rows]


def fails(status, text, call):
    try:
        call()
    except InferenceServerException as error:
        assert status in str(error.status()), error
        assert text in error.message(), error
        return
    raise AssertionError(f"{text}: answered")


client = triton.InferenceServerClient(address)


def health():
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("delay") and client.is_model_ready("delay", "1")
    assert not client.is_model_ready("nowhere") and not client.is_model_ready("delay", "9")


def metadata():
    server = client.get_server_metadata()
    assert server.name == "millrace" and server.version == "0.0.0", server
    model = client.get_model_metadata("delay", as_json=True)
    assert [i["name"] for i in model["inputs"]] == ["x1", "x2"], model
    assert model["inputs"][0]["shape"] == ["-1", "1"], model
    assert model["versions"] == ["1"], model
    fails("NOT_FOUND", "Request for unknown model", lambda: client.get_model_metadata("nowhere"))


def what_is_known():
    config = client.get_model_config("delay", as_json=True)["config"]
    assert [i["name"] for i in config["input"]] == ["x1", "x2"], config
    assert config["input"][0]["data_type"] == "TYPE_FP64" and config["platform"] == "onnxruntime_onnx", config
    [stats] = client.get_inference_statistics("delay").model_stats
    assert (stats.name, stats.version) == ("delay", "1"), stats
    before = stats.inference_stats.success.count
    client.infer("delay", tensors())
    [stats] = client.get_inference_statistics("delay", "1").model_stats
    assert stats.inference_stats.success.count == before + 1, stats
    assert stats.inference_stats.compute_infer.ns > 0 and stats.last_inference > 0, stats
    assert [s.name for s in client.get_inference_statistics().model_stats] == ["delay"]
    index = client.get_model_repository_index().models
    assert [(m.name, m.version, m.state) for m in index] == [("delay", "1", "READY")], index
    for change in (client.load_model, client.unload_model):
        fails("FAILED_PRECONDITION", "control", lambda: change("delay"))


def settings():
    trace = client.get_trace_settings(as_json=True)["settings"]
    assert trace["trace_level"] == {"value": ["OFF"]}, trace
    client.update_trace_settings("delay", {"trace_rate": "7", "trace_level": ["TIMESTAMPS"]})
    assert client.get_trace_settings("delay").settings["trace_rate"].value == ["7"]
    assert client.get_trace_settings().settings["trace_rate"].value != ["7"]
    client.update_trace_settings("delay", {"trace_rate": None})
    assert client.get_trace_settings("delay").settings["trace_rate"].value != ["7"]
    client.update_log_settings({"log_verbose_level": 1, "log_info": False})
    log = client.get_log_settings().settings
    assert log["log_verbose_level"].uint32_param == 1 and not log["log_info"].bool_param, log
    fails("INVALID_ARGUMENT", "nothing", lambda: client.update_log_settings({"nothing": True}))


def infer():
    answer = client.infer("delay", tensors(), request_id="triton-1")
    assert answer.get_response().id == "triton-1"
    assert answer.get_response().model_version == "1"
    assert answer.get_response().parameters["arm"].string_param == "champion"
    agrees(answer)
    agrees(client.infer("delay", tensors(), model_version="1"))
    wanted = [triton.InferRequestedOutput("label")]
    only = client.infer("delay", tensors(), outputs=wanted).get_response()
    assert [o.name for o in only.outputs] == ["label"], only
    for algorithm in ("gzip", "deflate"):
        agrees(client.infer("delay", tensors(), compression_algorithm=algorithm))
    many = np.repeat(x1, 2000, axis=0), np.repeat(x2, 2000, axis=0)
    large = client.infer("delay", tensors(a=many[0], b=many[1]), compression_algorithm="gzip")
    assert np.allclose(large.as_numpy("probability")[:, 1], np.repeat(expected, 2000), atol=1e-6)
    top = [triton.InferRequestedOutput("probability", class_count=1)]
    classes = client.infer("delay", tensors(), outputs=top).as_numpy("probability")
    assert classes.shape == (3, 1) and classes[0][0].split(b":")[1] == b"1", classes
    half = [v.astype(np.float16) for v in (x1, x2)]
    agrees(client.infer("delay", tensors(a=half[0], b=half[1], datatype="FP16")))


def typed_contents():
    """Contents instead of raw bytes, as grpcurl and KServe send them."""
    channel = grpc.insecure_channel(address)
    call = channel.unary_unary(
        "/inference.GRPCInferenceService/ModelInfer",
        request_serializer=pb.ModelInferRequest.SerializeToString,
        response_deserializer=pb.ModelInferResponse.FromString,
    )
    request = pb.ModelInferRequest(model_name="delay", id="typed")
    for name, values in (("x1", x1), ("x2", x2)):
        tensor = request.inputs.add(name=name, datatype="FP64", shape=[3, 1])
        tensor.contents.fp64_contents.extend(values[:, 0].tolist())
    request.parameters["entity"].string_param = "UA1"
    response = call(request)
    probabilities = np.frombuffer(response.raw_output_contents[1], np.float32).reshape(3, 2)
    assert np.allclose(probabilities[:, 1], expected, atol=1e-6)
    request.raw_input_contents.extend([x1.tobytes(), x2.tobytes()])
    try:
        call(request)
        raise AssertionError("contents and raw contents were accepted together")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
        assert dict(error.trailing_metadata())["x-millrace-error"] == "request_malformed"
    channel.close()


def errors():
    fails("NOT_FOUND", "Request for unknown model", lambda: client.infer("nowhere", tensors()))
    fails("NOT_FOUND", "version 9 is not found", lambda: client.infer("delay", tensors(), model_version="9"))
    fails("INVALID_ARGUMENT", 'input "x2" is missing', lambda: client.infer("delay", tensors()[:1]))
    nan = np.array([[np.nan]])
    fails("INVALID_ARGUMENT", 'input "x1" is', lambda: client.infer("delay", tensors(a=nan, b=nan)))
    none = [triton.InferRequestedOutput("nothing")]
    fails("INVALID_ARGUMENT", "nothing", lambda: client.infer("delay", tensors(), outputs=none))
    fails("UNIMPLEMENTED", "shared memory", lambda: client.register_system_shared_memory("r", "/k", 8))
    assert len(client.get_system_shared_memory_status().regions) == 0
    client.unregister_system_shared_memory()


def in_the_background():
    answers = queue.Queue()
    for _ in range(20):
        client.async_infer("delay", tensors(), lambda result, error: answers.put((result, error)))
    for _ in range(20):
        result, error = answers.get(timeout=120)
        assert error is None, error
        agrees(result)


def stream():
    answers = queue.Queue()
    with triton.InferenceServerClient(address) as streaming:
        streaming.start_stream(lambda result, error: answers.put((result, error)))
        for i in range(100):
            row = slice(i % 3, i % 3 + 1)
            name = "nowhere" if i == 50 else "delay"
            streaming.async_stream_infer(name, tensors(a=x1[row], b=x2[row]), request_id=f"s{i}")
        for i in range(100):
            result, error = answers.get(timeout=120)
            if i == 50:
                assert "unknown model" in str(error), error
                continue
            assert error is None, error
            assert result.get_response().id == f"s{i}", (i, result.get_response().id)
            agrees(result, slice(i % 3, i % 3 + 1))
        streaming.async_stream_infer("delay", tensors(), enable_empty_final_response=True)
        last = answers.get(timeout=120)[0].get_response()
        assert last.parameters["triton_final_response"].bool_param, last
        streaming.stop_stream()


async def aio():
    async with triton_aio.InferenceServerClient(address) as client:
        assert await client.is_server_live()
        answers = await asyncio.gather(*(client.infer("delay", tensors(triton_aio)) for _ in range(20)))
        for answer in answers:
            agrees(answer)

        async def requests():
            for i in range(10):
                yield {"model_name": "delay", "inputs": tensors(triton_aio), "request_id": str(i)}

        ids = []
        async for result, error in client.stream_infer(requests()):
            assert error is None, error
            ids.append(result.get_response().id)
        assert ids == [str(i) for i in range(10)], ids
        try:
            await client.infer("nowhere", tensors(triton_aio))
            raise AssertionError("an unknown model answered")
        except InferenceServerException as error:
            assert "NOT_FOUND" in str(error.status())


health()
metadata()
what_is_known()
settings()
infer()
typed_contents()
errors()
in_the_background()
stream()
asyncio.run(aio())
client.close()
print("all clients agree")
