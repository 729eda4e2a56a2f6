"""Calls without a pause while the server is replaced by others on the same port: not one call may fail.

    restarts.py ADDRESS
"""

import sys
import threading
import time

import grpc
import numpy as np
from tritonclient.grpc import service_pb2 as pb

request = pb.ModelInferRequest(model_name="delay")
for name in ("x1", "x2"):
    request.inputs.add(name=name, datatype="FP64", shape=[1, 1])
    request.raw_input_contents.append(np.array([0.5]).tobytes())
message = request.SerializeToString()

stop = threading.Event()
counts, failures = [0] * 4, []


def calls(number):
    # Half of the callers have a channel of their own, so that idle and busy connections are told.
    with grpc.insecure_channel(sys.argv[1], [("grpc.use_local_subchannel_pool", number % 2)]) as channel:
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        while not stop.is_set():
            try:
                infer(message, wait_for_ready=True, timeout=120)
                counts[number] += 1
            except grpc.RpcError as error:
                failures.append(f"{error.code()}: {error.details()}")


threads = [threading.Thread(target=calls, args=[i]) for i in range(len(counts))]
for thread in threads:
    thread.start()
while sum(counts) < 100 and not failures:
    time.sleep(0.01)
print("calling", flush=True)
sys.stdin.readline()
stop.set()
for thread in threads:
    thread.join()
assert not failures, (len(failures), sum(counts), failures[:5])
print(f"{sum(counts)} calls, none failed")
