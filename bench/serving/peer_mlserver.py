"""A runtime of MLServer for ONNX; `mlserver start` loads it. The model's path is in BENCH_MODEL."""

import os

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Forest(MLModel):
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["BENCH_MODEL"], options)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        rows = NumpyCodec.decode_input(payload.inputs[0])
        label, probability = self.session.run(None, {"features": rows})
        outputs = [NumpyCodec.encode_output("label", label), NumpyCodec.encode_output("probability", probability)]
        return InferenceResponse(model_name=self.name, outputs=outputs)
