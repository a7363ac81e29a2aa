# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that is spoken to over pipes, with deadlines: it never makes its caller wait for ever."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from types import TracebackType
from typing import IO, Mapping, Optional, Pattern, Sequence, Type, cast

CHUNK = 1 << 16
#: seconds for a program to end by itself, then after SIGTERM
GRACE, TERM_GRACE = 2.0, 5.0
TICK = 0.1


class Conversation:
    """A process of its own session; standard error goes with standard output.

    ``output``: everything it has printed. ``ended``: it will print no more. Leaving the context
    ends a process that is still there; ``alone``: without those that it has started, which is
    right for a program that starts daemons.
    """

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str], alone: bool = False) -> None:
        self.output = bytearray()
        self.ended = False
        self._alone = alone
        self._heard = 0
        self._pending = memoryview(b"")
        self._close = False
        self._process = subprocess.Popen(
            list(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(environment), cwd="/", start_new_session=True,
        )
        self._stdin = cast(IO[bytes], self._process.stdin)
        self._stdout = cast(IO[bytes], self._process.stdout)
        os.set_blocking(self._stdin.fileno(), False)
        os.set_blocking(self._stdout.fileno(), False)

    def __enter__(self) -> "Conversation":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._stop()
        self._stdout.close()

    def await_text(self, pattern: "Pattern[bytes]", seconds: float) -> bytes:
        """What it has printed since the last ``send``, once that matches, or it ends, or time is over."""
        limit = time.monotonic() + seconds
        while True:
            said = bytes(self.output[self._heard:])
            if pattern.search(said) or self.ended or time.monotonic() >= limit:
                return said
            self._pump(limit)
            self._note_exit()

    def send(self, data: bytes, close: bool = False) -> None:
        """Hand over input; ``close``: it is the last. What cannot be written yet goes with ``wait``."""
        self._heard = len(self.output)
        self._pending = memoryview(bytes(self._pending) + data)
        self._close = self._close or close
        self._write()

    def wait(self, seconds: float) -> Optional[int]:
        """Its exit status, once it has ended and all its output is read; None when time is over."""
        limit = time.monotonic() + seconds
        while self._process.poll() is None:
            if time.monotonic() >= limit:
                return None
            self._pump(limit)
        # Daemons that it started may keep the pipe open: what is there now is what it said.
        self._read()
        return self._process.returncode

    def _pump(self, limit: float) -> None:
        """Read and write what can be, for a moment."""
        seconds = max(0.0, min(TICK, limit - time.monotonic()))
        if self.ended and not self._pending:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
            return
        with selectors.DefaultSelector() as selector:
            if not self.ended:
                selector.register(self._stdout, selectors.EVENT_READ)
            if self._pending:
                selector.register(self._stdin, selectors.EVENT_WRITE)
            ready = {key.fileobj for key, _events in selector.select(seconds)}
        if self._stdin in ready:
            self._write()
        if self._stdout in ready:
            self._read()

    def _read(self) -> None:
        while not self.ended:
            try:
                chunk = os.read(self._stdout.fileno(), CHUNK)
            except BlockingIOError:
                return
            self.output += chunk
            self.ended = not chunk

    def _write(self) -> None:
        try:
            while self._pending:
                self._pending = self._pending[os.write(self._stdin.fileno(), self._pending[:CHUNK]):]
        except BlockingIOError:
            return
        except BrokenPipeError:
            # It has closed its input: its output and status say why.
            self._pending = memoryview(b"")
        if self._close and not self._stdin.closed:
            self._stdin.close()

    def _note_exit(self) -> None:
        if self._process.poll() is not None:
            self._read()
            self.ended = True

    def _stop(self) -> None:
        # The end of its input first: a killed session leaves the instance to tidy up after it.
        self._pending = memoryview(b"")
        with contextlib.suppress(OSError):
            self._stdin.close()
        for order, grace in ((None, GRACE), (signal.SIGTERM, TERM_GRACE), (signal.SIGKILL, TERM_GRACE)):
            if self._process.poll() is not None:
                return
            if order is not None:
                self._signal(order)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)

    def _signal(self, order: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self._alone:
                self._process.send_signal(order)
            else:
                os.killpg(self._process.pid, order)
