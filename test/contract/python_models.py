"""Logs and registers two models: one of Python code with params, and a forest of scikit-learn.

    python_models.py            # MLFLOW_TRACKING_URI says where
"""

import os
import warnings

warnings.filterwarnings("ignore")

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.ensemble import RandomForestClassifier

given = {"pip_requirements": ["scikit-learn"]}
X = pd.DataFrame(np.random.default_rng(0).normal(size=(400, 30)), columns=[f"f{i}" for i in range(30)])
y = (X["f0"] > 0).astype(int)


class Code(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        if (model_input["word"] == "exit").any():
            os._exit(9)
        return model_input["word"].str.upper() + (params or {}).get("suffix", "")


words = pd.DataFrame({"word": ["a", "b"]})
mlflow.set_experiment("python")
with mlflow.start_run():
    signature = infer_signature(words, ["A"], params={"suffix": ""})
    mlflow.pyfunc.log_model(
        name="code", python_model=Code(), signature=signature, input_example=words, registered_model_name="code", **given
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
