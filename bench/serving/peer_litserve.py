"""LitServe as its documentation shows it: one worker, requests batched as they come.

    peer_litserve.py MODEL PORT
"""

import sys

import litserve
import numpy as np
import onnxruntime


class Forest(litserve.LitAPI):
    def setup(self, device):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(sys.argv[1], options)

    def decode_request(self, request):
        return np.asarray(request["data"], dtype=np.float32)

    def predict(self, rows):
        return self.session.run(None, {"features": rows})[1]

    def encode_response(self, output):
        return {"probabilities": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Forest(), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False, log_level="error")
