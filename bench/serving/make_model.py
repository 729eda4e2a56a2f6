"""Trains the model that all servers of the benchmark serve: 100 trees of depth 6 on 30 features.

    make_model.py FOLDER      writes FOLDER/model.onnx and FOLDER/mlflow-model (scikit-learn, MLflow's layout)
"""

import pathlib
import sys

import mlflow.sklearn
import numpy as np
from mlflow.models import infer_signature
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier

folder = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(7)
features = rng.random((2000, 30))
labels = (features[:, :5].sum(axis=1) + rng.normal(0, 0.3, 2000) > 2.5).astype(int)
model = RandomForestClassifier(n_estimators=100, max_depth=6, random_state=7).fit(features, labels)
onnx = to_onnx(model, features[:1].astype(np.float32), options={"zipmap": False}, target_opset=17)
onnx.graph.input[0].name = "features"
for node in onnx.graph.node:
    node.input[:] = ["features" if name == "X" else name for name in node.input]
(folder / "model.onnx").write_bytes(onnx.SerializeToString())
signature = infer_signature(features, model.predict(features))
mlflow.sklearn.save_model(
    model,
    str(folder / "mlflow-model"),
    signature=signature,
    serialization_format=mlflow.sklearn.SERIALIZATION_FORMAT_CLOUDPICKLE,
)
print([o.name for o in onnx.graph.output])
