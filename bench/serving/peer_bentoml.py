"""BentoML as its documentation shows it; `bentoml serve` runs it. The model's path is in BENCH_MODEL."""

import os

import bentoml
import numpy as np
import onnxruntime


@bentoml.service(workers=1)
class Forest:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["BENCH_MODEL"], options)

    @bentoml.api
    def predict(self, data: list[list[float]]) -> list[list[float]]:
        rows = np.asarray(data, dtype=np.float32)
        return self.session.run(None, {"features": rows})[1].tolist()
