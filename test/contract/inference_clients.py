"""Talks to a serve process with stock clients: NVIDIA's tritonclient and MLflow's scoring client.

    inference_clients.py HOST PORT
"""

import sys

import numpy as np
import pandas as pd
import tritonclient.http as triton
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from tritonclient.utils import InferenceServerException

host, port = sys.argv[1], int(sys.argv[2])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


client = triton.InferenceServerClient(f"{host}:{port}")
assert client.is_server_live() and client.is_server_ready()
assert client.is_model_ready("delay") and client.is_model_ready("delay", "1")
assert client.get_server_metadata()["name"] == "millrace"
metadata = client.get_model_metadata("delay")
assert [i["name"] for i in metadata["inputs"]] == ["x1", "x2"], metadata

x1, x2 = np.array([[0.5], [2.0], [-1.0]]), np.array([[0.25], [0.0], [1.0]])


def tensor(name, values, datatype="FP64"):
    made = triton.InferInput(name, list(values.shape), datatype)
    made.set_data_from_numpy(values, binary_data=False)
    return made


wanted = [triton.InferRequestedOutput(name, binary_data=False) for name in ("label", "probability")]
answer = client.infer("delay", [tensor("x1", x1), tensor("x2", x2)], outputs=wanted, request_id="triton-1")
assert answer.get_response()["id"] == "triton-1"
assert np.allclose(answer.as_numpy("probability")[:, 1], sigmoid(x1 - x2)[:, 0], atol=1e-6)
assert answer.as_numpy("label").tolist() == [1, 1, 0]
assert answer.get_response()["model_version"] == "1"

try:
    client.infer("nowhere", [tensor("x1", x1)], outputs=wanted)
    raise AssertionError("an unknown model answered")
except InferenceServerException as error:
    assert str(error.message()).startswith("Request for unknown model"), error
try:
    client.infer("delay", [tensor("x1", x1)], outputs=wanted)
    raise AssertionError("a missing input was accepted")
except InferenceServerException as error:
    assert 'input "x2" is missing' in error.message(), error

mlflow = ScoringServerClient(host, port)
mlflow.ping()
frame = pd.DataFrame({"x1": x1[:, 0], "x2": x2[:, 0], "not used": "x"})
predictions = mlflow.invoke(frame).get_predictions()
assert np.allclose([p[1] for p in predictions["probability"]], sigmoid(x1 - x2)[:, 0], atol=1e-6), predictions
try:
    mlflow.invoke(frame[["x1"]])
    raise AssertionError("a missing column was accepted")
except Exception as error:
    assert 'input \\"x2\\" is missing' in str(error), error
print("all clients agree")
