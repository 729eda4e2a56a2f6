"""Saves an MLflow model that answers in pieces: the words of a text, some of which make it misbehave.

    streaming_model.py OUT
"""

import os
import sys
import time
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

import mlflow
import pandas as pd
from mlflow.models import infer_signature


class Words(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [" ".join(self.words(row, params)) for row in model_input["prompt"]]

    def predict_stream(self, context, model_input, params=None):
        for i, word in enumerate(self.words(model_input["prompt"], params)):
            if word == "raise":
                raise ValueError("this word is not liked")
            if word == "exit":
                os._exit(9)
            if word == "sleep":
                time.sleep(2)
            yield word if i == 0 else f" {word}"

    def words(self, text, params):
        most = (params or {}).get("max_words", 0)
        words = text.split() * (1000 if text.startswith("endless") else 1)
        for word in words[:most] if most else words:
            if text.startswith("endless"):
                time.sleep(0.01)
            yield word


texts = pd.DataFrame({"prompt": ["a b"]})
mlflow.pyfunc.save_model(
    Path(sys.argv[1]),
    python_model=Words(),
    signature=infer_signature(texts, ["a b"], params={"max_words": 0}),
    pip_requirements=["mlflow"],
)
