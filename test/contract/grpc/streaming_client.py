"""Talks to a model that answers in pieces, over gRPC with NVIDIA's tritonclient.

    streaming_client.py ADDRESS
"""

import os
import queue
import sys
import traceback

import numpy as np
import tritonclient.grpc as triton

address = sys.argv[1]
client = triton.InferenceServerClient(address)


def text(value):
    made = triton.InferInput("prompt", [1, 1], "BYTES")
    made.set_data_from_numpy(np.array([[value.encode()]], dtype=object))
    return [made]


def config():
    policy = client.get_model_config("words").config.model_transaction_policy
    assert policy.decoupled, policy
    assert not client.get_model_config("delay").config.model_transaction_policy.decoupled


def decoupled():
    """Several answers to one request, several requests on one stream."""
    answers = queue.Queue()
    client.start_stream(callback=lambda result, error: answers.put((result, error)))
    expected = {"one": ["one", " two", " three"], "two": ["four"], "limited": ["a", " b"], "broken": ["ok"]}
    client.async_stream_infer("words", text("one two three"), request_id="one", enable_empty_final_response=True)
    client.async_stream_infer("words", text("four"), request_id="two", enable_empty_final_response=True)
    client.async_stream_infer(
        "words", text("a b c d"), request_id="limited", parameters={"max_words": 2}, enable_empty_final_response=True
    )
    client.async_stream_infer("words", text("ok raise"), request_id="broken", enable_empty_final_response=True)
    got, ended, errors = {name: [] for name in expected}, set(), []
    while len(ended) + len(errors) < len(expected):
        result, error = answers.get(timeout=120)
        if error is not None:
            errors.append(error)
            continue
        response = result.get_response()
        if response.parameters["triton_final_response"].bool_param:
            assert len(response.outputs) == 0, response
            ended.add(response.id)
        else:
            assert response.model_version == "1", response
            got[response.id].append(result.as_numpy("output")[0].decode())
    assert got == expected, got
    assert ended == {"one", "two", "limited"}, ended
    [error] = errors
    # What the model's code said may quote a request, and is in the log alone.
    assert "ValueError" in error.message() and "not liked" not in error.message(), error
    client.stop_stream()


def at_once():
    """The same model answers a single call once, and one that does not stream answers a stream once."""
    answer = client.infer("words", text("one two"))
    assert answer.as_numpy("output").tolist() == [b"one two"], answer.get_response()
    answers = queue.Queue()
    client.start_stream(callback=lambda result, error: answers.put((result, error)))
    rows = []
    for name in ("x1", "x2"):
        rows.append(triton.InferInput(name, [1, 1], "FP64"))
        rows[-1].set_data_from_numpy(np.zeros((1, 1)))
    client.async_stream_infer("delay", rows, request_id="once", enable_empty_final_response=True)
    result, error = answers.get(timeout=120)
    assert error is None, error
    assert result.get_response().parameters["triton_final_response"].bool_param
    assert result.as_numpy("probability") is not None
    client.stop_stream()


def deadline():
    # The second piece comes after two seconds; on a machine that is busy the first one may be late too.
    for stream_timeout in (0.8, 1.8):
        answers = queue.Queue()
        client.start_stream(
            callback=lambda result, error: answers.put((result, error)), stream_timeout=stream_timeout
        )
        client.async_stream_infer("words", text("late sleep"), request_id="late")
        result, error = answers.get(timeout=120)
        if error is None:
            break
        client.stop_stream(cancel_requests=True)
    assert error is None and result.as_numpy("output").tolist() == [b"late"], error
    _, error = answers.get(timeout=120)
    assert error is not None and any(t in error.message().lower() for t in ("within", "deadline")), error
    client.stop_stream(cancel_requests=True)


def cancelled():
    answers = queue.Queue()
    client.start_stream(callback=lambda result, error: answers.put((result, error)))
    client.async_stream_infer("words", text("endless words"), request_id="left")
    assert answers.get(timeout=120)[1] is None
    client.stop_stream(cancel_requests=True)


try:
    for check in (config, decoupled, at_once, deadline, cancelled):
        check()
except BaseException:
    traceback.print_exc()
    sys.stderr.flush()
    # The threads of an open stream would keep the process for ever.
    os._exit(1)
print("all clients agree")
