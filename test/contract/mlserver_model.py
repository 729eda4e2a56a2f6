"""A model of MLServer: the sum and the product of two columns, and a text made of a third."""

from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Sums(MLModel):
    async def load(self) -> bool:
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        given = {i.name: i for i in payload.inputs}
        x = NumpyCodec.decode_input(given["x"])
        y = NumpyCodec.decode_input(given["y"])
        words = StringCodec.decode_input(given["word"])
        outputs = [
            NumpyCodec.encode_output("sum", x + y),
            StringCodec.encode_output("loud", [w.upper() for w in words]),
        ]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)
