# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody in a network namespace who listens, connects, sends, and records every byte.

``Peer`` starts this file as a program there and tells it what to do, a JSON line each way.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

_SECONDS = 3.0


class Peer:
    """A program of this file, started with ``within`` before it."""

    def __init__(self, within: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [*within, sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid

    def listen(self, name: str, host: str, port: int, protocol: str = "tcp") -> None:
        """Record what arrives here."""
        assert self._ask("listen", name, host=host, port=port, protocol=protocol) == ""

    def connect(self, name: str, host: str, port: int, protocol: str = "tcp") -> str:
        """Connect; returns the error, or nothing."""
        return str(self._ask("connect", name, host=host, port=port, protocol=protocol))

    def send(self, name: str, text: str) -> str:
        """Send to whom this is connected, as a listener to all of them; returns the error, or nothing."""
        return str(self._ask("send", name, text=text))

    def got(self, name: str) -> str:
        """All that has arrived."""
        return str(self._ask("got", name))

    def stop(self) -> None:
        """End the program."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def _ask(self, verb: str, name: str, **more: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"verb": verb, "name": name, **more}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class _Ends:
    """The sockets of one name, and all that has arrived at them."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []
        self.senders: dict[Any, socket.socket] = {}
        self.data = b""

    def listen(self, protocol: str, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        if protocol == "udp":
            box = socket.socket(family, socket.SOCK_DGRAM)
            box.bind((host, port))
            _start(self._take_datagrams, box)
            return
        box = socket.create_server((host, port), family=family)
        _start(self._accept, box)

    def connect(self, protocol: str, host: str, port: int) -> None:
        if protocol == "udp":
            box = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
            box.connect((host, port))
        else:
            box = socket.create_connection((host, port), _SECONDS)
            box.settimeout(None)
        self.sockets.append(box)
        _start(self._take, box)

    def send(self, data: bytes) -> None:
        for box in self.sockets:
            box.sendall(data)
        for sender, box in self.senders.items():
            box.sendto(data, sender)

    def _accept(self, box: socket.socket) -> None:
        while True:
            taken, _address = box.accept()
            self.sockets.append(taken)
            _start(self._take, taken)

    def _take(self, box: socket.socket) -> None:
        while True:
            try:
                data = box.recv(65536)
            except ConnectionRefusedError:  # what a datagram before met
                continue
            if not data:
                return
            self.data += data

    def _take_datagrams(self, box: socket.socket) -> None:
        while True:
            data, sender = box.recvfrom(65536)
            self.data += data
            self.senders[sender] = box


def _start(work: Any, box: socket.socket) -> None:
    def quietly() -> None:
        try:
            work(box)
        except OSError:
            return

    threading.Thread(target=quietly, daemon=True).start()


def _main() -> None:
    known: dict[str, _Ends] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        ends = known.setdefault(asked["name"], _Ends())
        answer = ""
        try:
            if asked["verb"] == "got":
                answer = ends.data.decode()
            elif asked["verb"] == "send":
                ends.send(asked["text"].encode())
            elif asked["verb"] == "listen":
                ends.listen(asked["protocol"], asked["host"], asked["port"])
            else:
                ends.connect(asked["protocol"], asked["host"], asked["port"])
        except OSError as error:
            answer = error.strerror or str(error)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _main()
