"""Requests that may never end, computed in a child of the worker: see worker.py."""

import os
import select
import signal
import socket
import stat
import time

from worker_frames import read_frame, write_frame

# What the worker has answered before a child may take so many times as long for, but no less than the seconds, and no
# more than the share of the time of a trial.
SLOWNESS = 10
LEAST_PROOF_S = 0.2
PROOF_SHARE = 0.4
# Between two looks at the time and at the memory of a child.
LOOK_S = 0.05
# What is kept of a request to prove a copy with is no more than this.
MOST_PROOF_BYTES = 1024 * 1024
UNTRIED = ({"ok": False, "untried": True}, [])


class Trials:
    """
    A trial has a short time. It runs in a copy of this process, so that one that takes longer costs nobody the loaded
    model: in the worker it could only be ended together with that. Some libraries' threads do not outlive the copying,
    so a copy must first have answered a request that the worker itself has answered.
    """

    def __init__(self, connection, memory_bytes):
        self.connection, self.memory_bytes = connection, memory_bytes
        self.answered = None  # a request that the worker has answered, and in how many seconds
        self.can_copy = None

    def predict(self, model, header, body):
        """What the model answers, and the buffers; raises what it raises."""
        if "trialMs" not in header:
            return self._here(model, header, body)
        until = time.monotonic() + header["trialMs"] / 1000
        if self._proven(model, until):
            # What failed in a copy may have failed because it was one.
            return self._in_copy(model, header, body, until) or UNTRIED
        return UNTRIED if header.get("onlyInCopy") else self._here(model, header, body)

    def _here(self, model, header, body):
        started = time.monotonic()
        answer = model.predict(header, body)
        if self.answered is None and len(body) <= MOST_PROOF_BYTES:
            self.answered = (header, body, time.monotonic() - started)
        return answer

    def _proven(self, model, until):
        if self.answered is None or self.can_copy is False or not self._alone():
            return False
        if self.can_copy is None:
            header, body, seconds = self.answered
            left = max(0, until - time.monotonic())
            patience = min(max(LEAST_PROOF_S, SLOWNESS * seconds), PROOF_SHARE * left)
            self.can_copy = self._in_copy(model, header, body, time.monotonic() + patience) is not None
        return self.can_copy

    def _alone(self):
        """
        Does this process have no connections but those to its parent? A copy that wrote to another, or was ended in
        the middle of reading it, would leave the worker with somebody else's answer.
        """
        try:
            opened = [int(name) for name in os.listdir("/proc/self/fd")]
        except OSError:
            return False
        own = {0, 1, 2, self.connection.fileno()}
        return not any(fd not in own and is_socket(fd) for fd in opened)

    def _in_copy(self, model, header, body, until):
        """The answer of a copy as (header, buffers); None where it gave none in time, failed, or took too much memory."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            child = os.fork()
            if child == 0:
                self._answer(theirs, model, header, body)
            theirs.close()
            try:
                return self._read(ours, child, until)
            finally:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)

    def _answer(self, theirs, model, header, body):
        try:
            import ctypes

            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            self.connection.close()
            write_frame(theirs, *model.predict(header, body))
        finally:
            os._exit(0)

    def _read(self, ours, child, until):
        while not select.select([ours], [], [], LOOK_S)[0]:
            if time.monotonic() > until or resident_bytes(child) > self.memory_bytes:
                return None
        ours.settimeout(max(LOOK_S, until - time.monotonic()))
        try:
            frame = read_frame(ours)
        except TimeoutError:
            return None
        return None if frame is None else (frame[0], [frame[1]])


def is_socket(fd):
    try:
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError:  # closed, as that of the listing
        return False


def resident_bytes(process):
    try:
        with open(f"/proc/{process}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
