"""What NVIDIA's tritonclient sees when a call is refused: the code of gRPC for each kind of refusal.

    refusals_client.py ADDRESS
"""

import concurrent.futures
import sys

import grpc
import numpy as np
import tritonclient.grpc as triton
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

address = sys.argv[1]
client = triton.InferenceServerClient(address)


def tensors(rows=1):
    made = []
    for name, value in (("x1", 0.5), ("x2", 0.25)):
        made.append(triton.InferInput(name, [rows, 1], "FP64"))
        made[-1].set_data_from_numpy(np.full((rows, 1), value))
    return made


def refused(code, text, call):
    try:
        call()
    except InferenceServerException as error:
        assert str(error.status()) == f"StatusCode.{code}", error
        assert text in error.message(), error
        return
    raise AssertionError(f"{code}: answered")


def infer(endpoint, key=None, header="authorization", **options):
    headers = {header: f"Bearer {key}" if header == "authorization" else key} if key else None
    return client.infer(endpoint, tensors(), headers=headers, **options)


def keys():
    refused("UNAUTHENTICATED", "asks for a key", lambda: infer("keyed"))
    for wrong in ("unknown", "old"):
        refused("UNAUTHENTICATED", "", lambda: infer("keyed", wrong))
    for forbidden in ("elsewhere", "looker"):
        refused("PERMISSION_DENIED", "", lambda: infer("keyed", forbidden))
    assert infer("keyed", "good").as_numpy("label") is not None
    assert infer("keyed", "good", "x-api-key").as_numpy("label") is not None
    refused("PERMISSION_DENIED", "", lambda: client.get_model_metadata("keyed", headers={"x-api-key": "elsewhere"}))
    for look in (client.get_model_metadata, client.get_model_config, client.get_inference_statistics):
        refused("UNAUTHENTICATED", "asks for a key", lambda: look("keyed"))
        assert look("keyed", headers={"x-api-key": "looker"}) is not None
    # A stream goes on after a message that is refused, and its messages are refused one by one.
    answers = []
    client.start_stream(callback=lambda result, error: answers.append(error), headers={"x-api-key": "elsewhere"})
    for name in ("keyed", "open"):
        client.async_stream_infer(name, tensors())
    client.stop_stream()
    assert "keyed" in answers[0].message() and answers[1] is None, answers


def limits():
    infer("rare")
    refused("RESOURCE_EXHAUSTED", "requests a second", lambda: infer("rare"))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        errors = []
        while not errors:
            calls = [pool.submit(infer, "slow") for _ in range(2)]
            errors = [call.exception() for call in calls if call.exception()]
        assert len(errors) == 1 and "at the same time" in errors[0].message(), errors
        assert str(errors[0].status()) == "StatusCode.RESOURCE_EXHAUSTED", errors
    large = lambda: client.infer("open", tensors(rows=20_000))
    refused("RESOURCE_EXHAUSTED", "bytes", large)
    assert infer("open").as_numpy("label") is not None, "the connection goes on"


def deadlines():
    refused("DEADLINE_EXCEEDED", "", lambda: infer("waits", client_timeout=0.2))
    refused("DEADLINE_EXCEEDED", "could not answer within 50 ms", lambda: infer("waits", timeout=50_000))
    refused("DEADLINE_EXCEEDED", "could not answer within 60 ms", lambda: infer("short"))


def others():
    refused("NOT_FOUND", "unknown model", lambda: infer("nowhere"))
    refused("NOT_FOUND", "unknown model", lambda: infer("open", model_version="9"))
    refused("INVALID_ARGUMENT", "x2", lambda: client.infer("open", tensors()[:1]))
    refused("UNAVAILABLE", "no model", lambda: infer("empty"))
    refused("INTERNAL", "gave NaN", lambda: infer("broken"))
    refused("FAILED_PRECONDITION", "control", lambda: client.load_model("open"))
    refused("UNIMPLEMENTED", "shared memory", lambda: client.register_system_shared_memory("a", "/a", 8))


def trailers():
    """The code of the catalogue comes with the status."""
    stub = service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(address))
    try:
        stub.ModelInfer(service_pb2.ModelInferRequest(model_name="keyed"))
        raise AssertionError("answered")
    except grpc.RpcError as error:
        assert ("x-millrace-error", "key_missing") in list(error.trailing_metadata()), error.trailing_metadata()


for check in (keys, limits, deadlines, others, trailers):
    check()
print("all clients agree")
