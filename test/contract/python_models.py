"""Logs and registers models: one of Python code with params, a forest of scikit-learn, and an agent of chats.

    python_models.py            # MLFLOW_TRACKING_URI says where
"""

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
