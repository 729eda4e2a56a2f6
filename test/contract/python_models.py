"""Logs and registers models: one of Python code with params, a forest of scikit-learn, an agent of chats, and one without
a signature. Writes given.json: requests to that one with the answers of MLflow's own scoring server.

    python_models.py            # MLFLOW_TRACKING_URI says where
"""

import json

import os
import warnings

warnings.filterwarnings("ignore")

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from mlflow.types.agent import ChatAgentChunk, ChatAgentMessage, ChatAgentResponse
from sklearn.ensemble import RandomForestClassifier

given = {"pip_requirements": ["scikit-learn"]}
X = pd.DataFrame(np.random.default_rng(0).normal(size=(400, 30)), columns=[f"f{i}" for i in range(30)])
y = (X["f0"] > 0).astype(int)


class Code(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        if (model_input["word"] == "exit").any():
            os._exit(9)
        if (model_input["word"] == "raise").any():
            raise ValueError("this word is not liked")
        model_input = model_input[model_input["word"] != "drop"]
        return model_input["word"].str.upper() + (params or {}).get("suffix", "")


class Agent(mlflow.pyfunc.ChatAgent):
    """Repeats what was said last, in reverse."""

    def predict(self, messages, context=None, custom_inputs=None):
        said = "".join(chunk.delta.content for chunk in self.predict_stream(messages, context, custom_inputs))
        return ChatAgentResponse(
            messages=[ChatAgentMessage(role="assistant", content=said, id="1")], custom_outputs=custom_inputs
        )

    def predict_stream(self, messages, context=None, custom_inputs=None):
        for word in reversed(messages[-1].content.split()):
            yield ChatAgentChunk(delta=ChatAgentMessage(role="assistant", content=f"{word} ", id="1"))


class Given(mlflow.pyfunc.PythonModel):
    """Tells what it was given; sums up numbers."""

    def predict(self, context, model_input, params=None):
        if isinstance(model_input, pd.DataFrame):
            if "sum" in model_input:
                return model_input.sum(numeric_only=True)
            types = [str(t).replace("object", "str") for t in model_input.dtypes]
            return {"columns": [str(c) for c in model_input], "types": types, "rows": len(model_input)}
        if isinstance(model_input, np.ndarray):
            return model_input * 2
        if isinstance(model_input, dict) and isinstance(next(iter(model_input.values())), np.ndarray):
            return pd.DataFrame({name: values + 1 for name, values in model_input.items()})
        return {"got": model_input, "params": params}


JSON = "application/json"
requests = [
    ({"dataframe_split": {"columns": ["a", "b"], "data": [[1, "x"], [2, "y"]]}}, JSON),
    ({"dataframe_split": {"data": [[1, 2.5]], "index": [7]}}, JSON),
    ({"dataframe_records": [{"a": 1}, {"b": None, "a": 2.5}]}, JSON),
    ({"dataframe_records": [{"sum": 1, "b": 2.5}, {"sum": 2, "b": 0.25}]}, JSON),
    ({"instances": [[1, 2], [3, 4]]}, JSON),
    ({"instances": [[0.1], [1e300]], "params": {"unknown": 1}}, JSON),
    ({"instances": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}, JSON),
    ({"inputs": {"a": ["x"], "b": [[1, {"c": None}]]}}, JSON),
    ({"inputs": "text"}, JSON),
    ({"prompt": "hello", "temperature": 0.5}, JSON),
    ("a,b\n1,x\n2.5,\n", "text/csv"),
    ({"dataframe_split": [1]}, JSON),
    ({"dataframe_records": {}}, JSON),
    ({"instances": ["text"]}, JSON),
    ({"other": 1}, JSON),
    ({"instances": [1], "inputs": [1]}, JSON),
    ([1], JSON),
]


def answer_of(model, body, content_type):
    from mlflow.exceptions import MlflowException
    from mlflow.pyfunc.scoring_server import invocations

    try:
        sent = body if isinstance(body, str) else json.dumps(body)
        answer = invocations(sent, content_type, model, model.metadata.get_input_schema())
        return {"status": answer.status, "json": json.loads(answer.response)}
    except MlflowException as error:
        return {"status": error.get_http_status_code(), "json": {"error_code": error.error_code}}


words = pd.DataFrame({"word": ["a", "b"]})
mlflow.set_experiment("python")
with mlflow.start_run():
    signature = infer_signature(words, ["A"], params={"suffix": ""})
    mlflow.pyfunc.log_model(
        name="code", python_model=Code(), signature=signature, input_example=words, registered_model_name="code", **given
    )
    mlflow.pyfunc.log_model(
        name="agent", python_model=Agent(), registered_model_name="agent", pip_requirements=["mlflow"]
    )
    forest = RandomForestClassifier(20, max_depth=6, random_state=0).fit(X, y)
    mlflow.sklearn.log_model(
        forest,
        name="forest",
        signature=infer_signature(X, y),
        input_example=X.head(3),
        registered_model_name="forest",
        serialization_format="cloudpickle",
        **given,
    )
    given_model = mlflow.pyfunc.log_model(
        name="given", python_model=Given(), registered_model_name="given", pip_requirements=["mlflow"]
    )
    model = mlflow.pyfunc.load_model(given_model.model_uri)
    answers = [
        {"body": body, "type": content_type, **answer_of(model, body, content_type)} for body, content_type in requests
    ]
    with open("given.json", "w") as file:
        json.dump(answers, file)
