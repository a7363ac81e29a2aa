# SPDX-License-Identifier: GPL-3.0-or-later
"""Input and output: the terminal, and files that OPEN makes known."""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

from emulated.errors import MError


class Device:
    """A stream of lines with a column ($X)."""

    def __init__(self, name: str, source: BinaryIO | None, target: BinaryIO | None, encoding: str) -> None:
        self.name = name
        self.source = source
        self.target = target
        self.encoding = encoding
        self.x = 0
        self.y = 0
        self.stream = False

    def write(self, written: str) -> None:
        if not written:
            return
        if self.target is None:
            raise MError("WRITE")
        self.target.write(written.encode(self.encoding, "replace"))
        tail = written.rpartition("\n")
        self.y += written.count("\n")
        self.x = len(tail[2]) if tail[1] else self.x + len(written)

    def new_line(self) -> None:
        self.write("\n")

    def tab(self, column: int) -> None:
        self.write(" " * max(0, column - self.x))

    def flush(self) -> None:
        if self.target is not None:
            self.target.flush()

    def read_line(self) -> str | None:
        """The next line without its end; None at the end of input."""
        if self.source is None:
            raise MError("READ")
        self.flush()
        line = self.source.readline()
        if not line:
            return None
        return line.decode(self.encoding, "surrogateescape").rstrip("\n").removesuffix("\r")

    def read_count(self, count: int) -> str:
        if self.source is None:
            raise MError("READ")
        self.flush()
        return self.source.read(count).decode(self.encoding, "surrogateescape")

    def close(self) -> None:
        for each in (self.source, self.target):
            if each is not None:
                each.close()


class Devices:
    """The devices of a process; the terminal is the principal one."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self.principal = Device("|TRM|:|" + str(os.getpid()), sys.stdin.buffer, sys.stdout.buffer, encoding)
        self.current = self.principal
        self.opened: dict[str, Device] = {}
        self.end_of_file = False

    def open(self, name: str, mode: str) -> bool:
        """Open a file; W new or at its end, N new, S stream, R read; False if that cannot be."""
        if name in ("", "0", self.principal.name):
            return True
        letters = mode.upper()
        source = target = None
        try:
            if "W" in letters or "N" in letters:
                target = open(name, "wb" if "N" in letters else "ab")  # noqa: SIM115  # CLOSE ends it
            else:
                source = open(name, "rb")  # noqa: SIM115
        except OSError:
            return False
        self.close(name)
        self.opened[name] = Device(name, source, target, self.encoding)
        self.opened[name].stream = "S" in letters
        return True

    def use(self, name: str) -> None:
        if name in ("", "0", self.principal.name):
            self.current = self.principal
            return
        if name not in self.opened:
            raise MError("NOTOPEN")
        self.current = self.opened[name]

    def close(self, name: str) -> None:
        device = self.opened.pop(name, None)
        if device is not None:
            if self.current is device:
                self.current = self.principal
            device.close()
