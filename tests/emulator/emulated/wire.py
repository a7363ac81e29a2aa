# SPDX-License-Identifier: GPL-3.0-or-later
"""How sessions and the server of an instance talk: a local socket, marshalled values."""

from __future__ import annotations

import _socket  # the module around it takes 3 ms of every session
import marshal
import os
import struct
from pathlib import Path
from typing import Any

_HEAD = struct.Struct("<I")
Connection = _socket.socket


def address(path: Path) -> tuple[str, int]:
    """A name for a socket however long its path is, and the descriptor that it needs open."""
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    return f"/proc/self/fd/{directory}/{path.name}", directory


def connect(path: Path) -> Connection:
    """A connection; OSError if nobody listens."""
    name, directory = address(path)
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connection.connect(name)
    except OSError:
        connection.close()
        raise
    finally:
        os.close(directory)
    return connection


def listen(path: Path) -> Connection:
    path.unlink(missing_ok=True)
    name, directory = address(path)
    listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    listener.bind(name)
    listener.listen(50)
    os.close(directory)
    return listener


def accept(listener: Connection) -> Connection:
    descriptor, _ = listener._accept()  # type: ignore[attr-defined]
    return _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, descriptor)


def send(connection: Connection, message: Any) -> None:
    data = marshal.dumps(message)
    connection.sendall(_HEAD.pack(len(data)) + data)


def receive(connection: Connection) -> Any:
    """The next message; EOFError when the other side has gone."""
    size = _HEAD.unpack(_exactly(connection, _HEAD.size))[0]
    return marshal.loads(_exactly(connection, size))


def _exactly(connection: Connection, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return bytes(data)
