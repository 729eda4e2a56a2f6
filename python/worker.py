"""Serves one logged MLflow model to the process that started it, over the socket that it inherits as descriptor 3.

    worker.py DESCRIPTOR

A frame is two little-endian uint32 (length of the header, length of the body), the header as JSON, and the body.
The first request is {"op": "load"}, the others are {"op": "predict"}, which get one answer, and {"op": "stream"},
which get one for each piece ("more": true) and a last one; {"op": "stop"} asks for that last one soon and is not
answered itself. "trialMs" of a prediction is the time that it has ("onlyInCopy": in a copy of the process, or not at
all): its answer may be {"untried": true} (worker_trials.py). Columns lie in the body one after the other, each padded
to eight bytes: numbers as they are, texts as their lengths (uint32, all bits set for a missing one) and then their
bytes. Nothing that comes over the socket is unpickled or evaluated.

"trace" of a request has the W3C headers of the trace that it belongs to: they are the environment variables
TRACEPARENT and TRACESTATE, and the current context of OpenTelemetry and of MLflow's tracing, while the model computes.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
import warnings

from worker_frames import read_frame, write_frame
from worker_model import Model, OtherRows
from worker_traces import trace_context
from worker_trials import Trials

warnings.filterwarnings("ignore")


def main():
    own, parent = os.getpid(), os.getppid()
    guard_group()
    die_with_parent(parent)
    connection = socket.socket(fileno=int(sys.argv[1]))
    connection.setblocking(True)
    # What the model's code prints goes to the log.
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    model = trials = None
    while True:
        frame = read_frame(connection)
        if frame is None:
            return
        header, body = frame
        if header["op"] == "stop":  # of a stream that had ended already
            continue
        try:
            with trace_context(header.get("trace")):
                if header["op"] == "load":
                    model = Model(header)
                    trials = Trials(connection, header["memoryBytes"])
                    answer, buffers = {"ok": True, **model.described()}, []
                elif header["op"] == "stream":
                    send_pieces(connection, model.pieces(header, body))
                    answer, buffers = {"ok": True}, []
                else:
                    answer, buffers = trials.predict(model, header, body)
        except BaseException as error:  # the model's own code may raise anything, SystemExit too
            traceback.print_exc()
            answer, buffers = {"ok": False, "type": type(error).__name__, "message": message_of(error)}, []
            if isinstance(error, OtherRows) and error.answer is not None:
                answer["answer"] = error.answer
            # MLflow's own word for what a caller has to correct; its server answers 400 then.
            answer["refused"] = getattr(error, "error_code", None) in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")
        if os.getpid() != own:  # the model forked, and its child came back: it must answer nobody
            os._exit(0)
        write_frame(connection, answer, buffers)


def send_pieces(connection, pieces):
    """Sends pieces until there are no more or nobody wants them; the socket holds a model back that is too fast."""
    with contextlib.closing(pieces):
        for answer, buffers in pieces:
            write_frame(connection, {"ok": True, "more": True, **answer}, buffers)
            if select.select([connection], [], [], 0)[0]:
                if read_frame(connection) is None:
                    raise SystemExit(0)
                return


def die_with_parent(parent):
    """No worker outlives the process that started it, however that ended."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG, Linux only
    except Exception:
        pass

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def guard_group():
    """What the model's code has started ends with the worker, also when nobody is left to see that it ended.

    A process of its own waits for the end of a pipe that the worker alone holds, and then ends the worker's group. It
    has left the group, and is nobody's child, so that neither the model's code nor its parent meets it.
    """
    if os.getpgrp() != os.getpid():  # the group is its starter's too
        return
    group = os.getpid()
    reader, writer = os.pipe()  # programs that the model starts inherit neither
    between = os.fork()
    if between == 0:
        if os.fork():
            os._exit(0)
        os.setsid()
        os.closerange(0, reader)
        os.closerange(reader + 1, 1024)
        os.read(reader, 1)
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
        os._exit(0)
    os.waitpid(between, 0)
    os.close(reader)
    # A copy of the worker does not hold it: one that a model leaves behind would keep the group alive.
    os.register_at_fork(after_in_child=open(writer, "wb", buffering=0).close)


def message_of(error):
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # exceptions of the model's own need not have a text
        lines = []
    return (lines[0] if lines else type(error).__name__)[:500]


if __name__ == "__main__":
    main()
