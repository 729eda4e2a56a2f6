"""Talks to a serve process over gRPC with KServe's client.

    kserve_client.py ADDRESS
"""

import asyncio
import sys

import grpc
import numpy as np
from kserve import InferenceGRPCClient, InferInput, InferRequest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

address = sys.argv[1]
x1, x2 = np.array([[0.5], [2.0], [-1.0]]), np.array([[0.25], [0.0], [1.0]])
expected = 1 / (1 + np.exp(-(x1 - x2)))[:, 0]


async def main():
    async with InferenceGRPCClient(address) as client:
        assert await client.is_server_live() and await client.is_server_ready()
        assert await client.is_model_ready("delay")
        for raw in (True, False):
            inputs = []
            for name, values in (("x1", x1), ("x2", x2)):
                tensor = InferInput(name, list(values.shape), "FP64")
                if raw:
                    tensor.set_data_from_numpy(values, binary_data=True)
                else:
                    tensor.data = values[:, 0].tolist()
                inputs.append(tensor)
            answer = await client.infer(InferRequest(model_name="delay", infer_inputs=inputs))
            outputs = {o.name: o.as_numpy() for o in answer.outputs}
            assert np.allclose(outputs["probability"][:, 1], expected, atol=1e-6), outputs
    # KServe's message has the model's name in field 1, where others have the repository's.
    async with grpc.aio.insecure_channel(address) as channel:
        stub = pb_grpc.GRPCInferenceServiceStub(channel)
        try:
            await stub.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name="delay"))
            raise AssertionError("control decides what is served, and a load was done")
        except grpc.aio.AioRpcError as error:
            assert "model_name is missing" not in error.details(), error


asyncio.run(main())
print("all clients agree")
