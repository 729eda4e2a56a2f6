"""Saves a pyfunc model with a column of each type: predicts 1 where x1 > x2, else 0.

    inference_mlflow_model.py OUT
"""

import sys
import warnings

warnings.filterwarnings("ignore")

import mlflow
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema


class Greater(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return (model_input["x1"] > model_input["x2"]).astype(int).to_numpy()


columns = {"x1": "double", "x2": "float", "n": "long", "i": "integer", "s": "string", "b": "boolean"}
inputs = [ColSpec(type, name) for name, type in columns.items()] + [ColSpec("double", "o", required=False), ColSpec("double", "r")]
params = ParamSchema(
    [
        ParamSpec("words", "long", 5),
        ParamSpec("small", "integer", 5),
        ParamSpec("heat", "double", 0.5),
        ParamSpec("style", "string", "plain"),
        ParamSpec("loud", "boolean", False),
        ParamSpec("since", "datetime", "2020-01-02T03:04:05"),
        ParamSpec("stops", "string", ["."], (-1,)),
        ParamSpec("sizes", "double", [1.0], (-1,)),
    ]
)
signature = ModelSignature(inputs=Schema(inputs), outputs=Schema([ColSpec("long")]), params=params)
mlflow.pyfunc.save_model(sys.argv[1], python_model=Greater(), signature=signature, pip_requirements=["mlflow"])
