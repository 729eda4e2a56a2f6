"""Does what grpcurl does: learns the services by reflection, then calls them with nothing but what it learned; asks
and watches the health of the server.

    reflection_client.py ADDRESS FOLDER_OF_PROTO_FILES
"""

import importlib
import pathlib
import sys
import tempfile

import grpc
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from grpc_tools import protoc

address, folder = sys.argv[1], pathlib.Path(sys.argv[2])


def compiled(*names):
    out = tempfile.mkdtemp()
    files = [f"{name}.proto" for name in names]
    status = protoc.main(["", f"-I{folder}", f"--python_out={out}", f"--grpc_python_out={out}", *files])
    assert status == 0, status
    sys.path.insert(0, out)
    modules = [name.replace("-", "_") for name in names]
    return [importlib.import_module(m + end) for m in modules for end in ("_pb2", "_pb2_grpc")]


health_pb, health_grpc, v1_pb, v1_grpc, alpha_pb, alpha_grpc = compiled(
    "health", "reflection-v1", "reflection-v1alpha"
)
channel = grpc.insecure_channel(address)


def learn(pb, stub):
    """The services of the server and a pool of everything that it describes."""

    def ask(**question):
        [answer] = stub.ServerReflectionInfo(iter([pb.ServerReflectionRequest(host="h", **question)]))
        assert answer.valid_host == "h"
        return answer

    services = [s.name for s in ask(list_services="").list_services_response.service]
    assert "inference.GRPCInferenceService" in services and "grpc.health.v1.Health" in services, services
    pool = descriptor_pool.DescriptorPool()
    for service in services:
        answer = ask(file_containing_symbol=service)
        for data in answer.file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(data)
            pool.Add(file)
            again = ask(file_by_filename=file.name).file_descriptor_response.file_descriptor_proto
            assert list(again) == [data]
    for symbol in ("inference.ModelInferRequest", "inference.GRPCInferenceService.ModelInfer"):
        assert ask(file_containing_symbol=symbol).file_descriptor_response.file_descriptor_proto, symbol
    assert ask(file_containing_symbol="no.such.Thing").error_response.error_code == 5
    return pool


for pb, stub in (
    (v1_pb, v1_grpc.ServerReflectionStub(channel)),
    (alpha_pb, alpha_grpc.ServerReflectionStub(channel)),
):
    pool = learn(pb, stub)

service = pool.FindServiceByName("inference.GRPCInferenceService")
assert len(service.methods) == 20, [m.name for m in service.methods]


def call(method, body):
    """One unary call in JSON, as grpcurl makes it."""
    found = service.FindMethodByName(method)
    request, response = (message_factory.GetMessageClass(d) for d in (found.input_type, found.output_type))
    sent = json_format.ParseDict(body, request(), descriptor_pool=pool)
    path = f"/{service.full_name}/{method}"
    answer = channel.unary_unary(path, request.SerializeToString, response.FromString)(sent)
    return json_format.MessageToDict(answer, preserving_proto_field_name=True, descriptor_pool=pool)


assert call("ServerLive", {}) == {"live": True}
assert [i["name"] for i in call("ModelMetadata", {"name": "delay"})["inputs"]] == ["x1", "x2"]
tensor = {"datatype": "FP64", "shape": [1, 1]}
answer = call(
    "ModelInfer",
    {
        "model_name": "delay",
        "id": "grpcurl-1",
        "parameters": {"entity": {"string_param": "UA1"}},
        "inputs": [
            {"name": "x1", **tensor, "contents": {"fp64_contents": [0.5]}},
            {"name": "x2", **tensor, "contents": {"fp64_contents": [0.25]}},
        ],
    },
)
assert answer["id"] == "grpcurl-1" and answer["parameters"]["arm"] == {"string_param": "champion"}, answer
assert [o["name"] for o in answer["outputs"]] == ["label", "probability"], answer

# Field by field as NVIDIA's client has it, for every message that both know.
from tritonclient.grpc import service_pb2  # noqa: E402


def same_fields(ours, theirs):
    known = {f.name: f for f in theirs.fields}
    for field in ours.fields:
        other = known.get(field.name)
        if field.message_type and field.message_type.GetOptions().map_entry:
            # Python's client takes any name here; Go's (grpcurl) takes none but the right one.
            assert field.message_type.name == other.message_type.name, field.full_name
        if other is None:
            assert ours.name in ("RepositoryModelLoadResponse", "RepositoryModelUnloadResponse"), field.full_name
            continue
        as_list = (field.number, field.type, field.is_repeated)
        assert as_list == (other.number, other.type, other.is_repeated), field.full_name
    assert ours.name.startswith("Model") or {f.name for f in theirs.fields} <= {f.name for f in ours.fields}, ours
    for name, nested in theirs.nested_types_by_name.items():
        if name in ours.nested_types_by_name:
            same_fields(ours.nested_types_by_name[name], nested)


from tritonclient.grpc import model_config_pb2  # noqa: E402

compared = 0
for theirs in (service_pb2.DESCRIPTOR, model_config_pb2.DESCRIPTOR):
    for name, message in theirs.message_types_by_name.items():
        try:
            ours = pool.FindMessageTypeByName(f"inference.{name}")
        except KeyError:
            assert theirs is model_config_pb2.DESCRIPTOR, f"{name} is missing"
            continue
        same_fields(ours, message)
        compared += 1
assert compared > 50, compared

health = health_grpc.HealthStub(channel)
SERVING = health_pb.HealthCheckResponse.SERVING
for name in ("", "inference.GRPCInferenceService", "delay"):
    assert health.Check(health_pb.HealthCheckRequest(service=name)).status == SERVING
try:
    health.Check(health_pb.HealthCheckRequest(service="nowhere"))
    raise AssertionError("an unknown service is healthy")
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.NOT_FOUND
watching = health.Watch(health_pb.HealthCheckRequest())
assert next(watching).status == SERVING
print("watching", flush=True)
assert next(watching).status == health_pb.HealthCheckResponse.NOT_SERVING
try:
    next(watching)
    raise AssertionError("the watch goes on though the server went away")
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.UNAVAILABLE, error
print("all clients agree")
