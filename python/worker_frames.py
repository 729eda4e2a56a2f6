"""Frames of the talk with the process that started the worker: see worker.py."""

import json
import struct

LENGTHS = struct.Struct("<II")
LARGEST_BODY = 1 << 30


def read_exactly(connection, size):
    data = bytearray(size)
    view, at = memoryview(data), 0
    while at < size:
        count = connection.recv_into(view[at:])
        if count == 0:
            return None
        at += count
    return data


def read_frame(connection):
    lengths = read_exactly(connection, LENGTHS.size)
    if lengths is None:
        return None
    header_length, body_length = LENGTHS.unpack(lengths)
    if header_length > LARGEST_BODY or body_length > LARGEST_BODY:
        raise SystemExit("a frame that is too long")
    header = read_exactly(connection, header_length)
    body = read_exactly(connection, body_length)
    if header is None or body is None:
        return None
    return json.loads(header), body


def write_frame(connection, header, buffers):
    text = json.dumps(header).encode()
    connection.sendall(LENGTHS.pack(len(text), sum(len(b) for b in buffers)) + text + b"".join(buffers))
