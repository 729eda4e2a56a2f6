"""What the example programs of Triton's Python client check of a server, over HTTP and gRPC, sync and async."""

import asyncio
import sys

import numpy as np
import tritonclient.grpc as over_grpc
import tritonclient.grpc.aio as over_grpc_aio
import tritonclient.http as over_http
import tritonclient.http.aio as over_http_aio
from tritonclient.utils import InferenceServerException

http_address, grpc_address = sys.argv[1:3]
first = np.arange(16, dtype=np.int32).reshape(1, 16)
second = np.ones((1, 16), dtype=np.int32)


def fails(call, *parts):
    try:
        call()
    except InferenceServerException as error:
        for part in parts:
            assert part in error.message(), f"{part!r} not in {error.message()!r}"
        return error
    raise AssertionError("expected an error")


def tensors(kind, datatype="INT32", values=(first, second)):
    inputs = []
    for name, value in zip(("INPUT0", "INPUT1"), values):
        tensor = kind.InferInput(name, list(value.shape), datatype)
        tensor.set_data_from_numpy(value)
        inputs.append(tensor)
    return inputs


def check_sums(result):
    assert np.array_equal(result.as_numpy("OUTPUT0"), first + second)
    assert np.array_equal(result.as_numpy("OUTPUT1"), first - second)


def as_dict(answer):
    return answer if isinstance(answer, (dict, list)) else None


def health_and_metadata(client, kind):
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("simple")
    metadata = client.get_server_metadata()
    name = metadata["name"] if as_dict(metadata) else metadata.name
    assert name == "triton", name
    model = client.get_model_metadata("simple")
    assert (model["name"] if as_dict(model) else model.name) == "simple"
    shapes = [i["shape"] for i in model["inputs"]] if as_dict(model) else [list(i.shape) for i in model.inputs]
    assert [[int(d) for d in shape] for shape in shapes] == [[-1, 16], [-1, 16]], shapes
    fails(lambda: client.get_model_metadata("wrong_model_name"), "Request for unknown model")
    wrong = fails(lambda: client.infer("wrong_model_name", tensors(kind)), "Request for unknown model")
    assert wrong.message().startswith("Request for unknown model")


def infer(client, kind):
    outputs = [kind.InferRequestedOutput(name) for name in ("OUTPUT0", "OUTPUT1")]
    check_sums(client.infer("simple", tensors(kind), outputs=outputs, request_id="7"))
    check_sums(client.infer("simple", tensors(kind), model_version="1"))
    statistics = client.get_inference_statistics("simple")
    assert len(statistics["model_stats"] if as_dict(statistics) else statistics.model_stats) == 1


def strings(client, kind, binary_options):
    as_text = [np.array([str(x).encode() for x in v.flatten()], dtype=np.object_).reshape(1, 16) for v in (first, second)]
    result = client.infer("simple_string", tensors(kind, "BYTES", as_text))
    assert [int(x) for x in result.as_numpy("OUTPUT0").flatten()] == [int(x) for x in (first + second).flatten()]
    for value in (b"he\x00llo", b"\x00\x01\x02\x03"):
        array = np.array([value] * 16, dtype=np.object_).reshape(1, 16)
        for options in binary_options:
            tensor = kind.InferInput("INPUT0", [1, 16], "BYTES")
            tensor.set_data_from_numpy(array, **options)
            output = kind.InferRequestedOutput("OUTPUT0", **options)
            back = client.infer("simple_identity", [tensor], outputs=[output]).as_numpy("OUTPUT0")
            texts = [x if isinstance(x, bytes) else x.encode() for x in back.flatten()]
            assert texts == [value] * 16, texts


def base64_texts(client, kind, binary_options):
    """MLServer's Base64Codec writes bytes so, whatever way the tensor takes."""
    for options in binary_options:
        tensor = kind.InferInput("INPUT0", [1, 2], "BYTES")
        tensor.set_data_from_numpy(np.array([[b"/wA=", b"aGVsbG8="]], dtype=np.object_), **options)
        if kind is over_grpc:
            tensor._input.parameters["content_type"].string_param = "base64"
        else:
            tensor._parameters["content_type"] = "base64"
        back = client.infer("simple_identity", [tensor]).as_numpy("OUTPUT0")
        assert list(back.flatten()) == [b"\xff\x00", b"hello"], back


def model_control(client, models):
    index = client.get_model_repository_index()
    assert len(index if as_dict(index) else index.models) == models
    client.load_model("simple")
    assert client.is_model_ready("simple")
    fails(lambda: client.load_model("simple", config='"parameters": {"config": {{"max_batch_size": "16"}}}'), "failed to load")
    client.load_model("simple", config='{"max_batch_size":"16"}')
    config = client.get_model_config("simple")
    assert (config["max_batch_size"] if as_dict(config) else config.config.max_batch_size) == 16
    client.unload_model("simple")
    assert not client.is_model_ready("simple")
    fails(
        lambda: client.load_model("simple", config="{}", files={"file:" + "A" * 256: b"a"}),
        "failed to poll from model repository",
    )
    fails(lambda: client.load_model("wrong_model_name"), "failed to load")
    assert client.is_server_live()
    client.load_model("simple")
    assert client.is_model_ready("simple")


async def infer_async(kind, aio, address):
    async with aio.InferenceServerClient(address) as client:
        answers = await asyncio.gather(*(client.infer("simple", tensors(kind)) for _ in range(8)))
        for answer in answers:
            check_sums(answer)


http = over_http.InferenceServerClient(http_address, concurrency=4)
grpc = over_grpc.InferenceServerClient(grpc_address)
for client, kind in ((http, over_http), (grpc, over_grpc)):
    health_and_metadata(client, kind)
    infer(client, kind)
    model_control(client, 3)
strings(http, over_http, ({"binary_data": True}, {"binary_data": False}))
strings(grpc, over_grpc, ({},))
base64_texts(http, over_http, ({"binary_data": True}, {"binary_data": False}))
base64_texts(grpc, over_grpc, ({},))

for request in [http.async_infer("simple", tensors(over_http)) for _ in range(8)]:
    check_sums(request.get_result(timeout=120))

arrived = []
for _ in range(8):
    grpc.async_infer("simple", tensors(over_grpc), callback=lambda result, error: arrived.append((result, error)))
asyncio.run(infer_async(over_http, over_http_aio, http_address))
asyncio.run(infer_async(over_grpc, over_grpc_aio, grpc_address))
grpc.close()
assert len(arrived) == 8, arrived
for result, error in arrived:
    assert error is None, error
    check_sums(result)
print("all examples agree")
