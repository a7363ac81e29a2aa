# SPDX-License-Identifier: GPL-3.0-or-later
"""The watchdog: a process of its own that thaws an instance when nobody else does (invariant 4).

``freeze.py`` starts it from this file's text, which therefore imports the standard library
alone: once it has said "armed" it needs no file of the collection and writes none. It
connects to the module's abstract socket, takes its order (what to run, how long to wait),
and listens. It thaws when the time is over and when the module's end closes without
"thawed", whatever ended it, and tries again every second until a status says that it is done.

Module: order, "freezing", "frozen", "thawed". Watchdog: "armed" to the first two, and
"released" to the last if the module thawed in time, else "lapsed".
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from typing import Any, Mapping, NamedTuple

ARMED, FREEZING, FROZEN, THAWED, RELEASED, LAPSED = "armed", "freezing", "frozen", "thawed", "released", "lapsed"
#: what is heard if no word comes: the other end has closed, the time is over, a signal came
GONE, LATE, STOPPED = "gone", "late", "stopped"
#: who starts it: the host's service manager, so that no session's end reaches it, or itself
SERVICE, OWN_SESSION = "systemd-run", "own session"
PAUSE = 1.0
#: seconds to take the order; seconds after which a thaw that hangs is ended and started again
HANDSHAKE, PATIENCE = 10.0, 60.0
#: seconds that a freeze which was under way when its module vanished may take to take effect
UNSETTLED = 90.0


class Peer(NamedTuple):
    """A process: its number, user and group."""

    pid: int
    uid: int
    gid: int


class Line:
    """One end of the socket: words, one a line. ``bell``: a file that signals are written to, if any."""

    def __init__(self, end: socket.socket, bell: int = -1) -> None:
        self._end = end
        self._bell = bell
        self._rest = b""
        self._poll = select.poll()
        for descriptor in (end.fileno(), bell):
            if descriptor >= 0:
                self._poll.register(descriptor, select.POLLIN)

    @property
    def peer(self) -> Peer:
        """The process at the other end, as the kernel says."""
        credentials = self._end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return Peer(*struct.unpack("3i", credentials))

    def say(self, word: str) -> None:
        """Send a word, or nothing if nobody is there."""
        with contextlib.suppress(OSError):
            self._end.sendall(word.encode() + b"\n")

    def hear(self, until: float | None) -> str:
        """The next word, or GONE; LATE at this time of the monotonic clock; STOPPED after a signal."""
        while b"\n" not in self._rest:
            ready = self._wait(until)
            if not ready:
                return LATE
            # What was said before the signal came counts.
            if self._end.fileno() not in ready:
                os.read(self._bell, 64)
                return STOPPED
            part = self._receive()
            if not part:
                return GONE
            self._rest += part
        word, self._rest = self._rest.split(b"\n", 1)
        return word.decode()

    def _wait(self, until: float | None) -> list[int]:
        left = None if until is None else max(until - time.monotonic(), 0.0) * 1000
        return [descriptor for descriptor, _event in self._poll.poll(left)]

    def _receive(self) -> bytes:
        try:
            return self._end.recv(1 << 16)
        except OSError:
            return b""

    def close(self) -> None:
        """Close this end; the other hears GONE."""
        self._end.close()


class Watchdog:
    """Watches one freeze.

    ``order``: ``argv``, ``environment``, ``stdin`` (base64) and ``done`` of what thaws; ``limit``: seconds
    to wait; ``patience``: seconds after which a thaw that hangs is ended and started again.
    """

    def __init__(self, line: Line, order: Mapping[str, Any]) -> None:
        self._line = line
        self._order = order
        self._unsettled = False

    def watch(self) -> None:
        """Return when the module has thawed, or this process has."""
        word = STOPPED
        while word == STOPPED:
            # Nothing is frozen yet, and what was promised by "armed" holds.
            word = self._line.hear(None)
        if word != FREEZING:
            return
        self._unsettled = True
        self._line.say(ARMED)
        word = self._hear_the_end(time.monotonic() + float(self._order["limit"]))
        if word == THAWED:
            self._line.say(RELEASED)
            return
        self._thaw()
        self._stay(word)

    def _hear_the_end(self, until: float) -> str:
        word = self._line.hear(until)
        if word == FROZEN:
            self._unsettled = False
            word = self._line.hear(until)
        return word

    def _stay(self, word: str) -> None:
        # A freeze that was still under way may take effect only now, with its module dead or
        # stopped; and a module that wakes up has to hear that what it copied is void.
        end = time.monotonic() + UNSETTLED
        while word != GONE or self._unsettled:
            word = self._pause() if word == GONE else self._line.hear(time.monotonic() + PAUSE)
            if word == THAWED:
                self._line.say(LAPSED)
                return
            if word == FROZEN or self._unsettled:
                self._thaw()
            self._unsettled = self._unsettled and word != FROZEN and time.monotonic() < end

    def _pause(self) -> str:
        time.sleep(PAUSE)
        return GONE

    def _thaw(self) -> None:
        while not self._thawed():
            time.sleep(PAUSE)

    def _thawed(self) -> bool:
        try:
            process = subprocess.Popen(
                self._order["argv"], env=self._order["environment"], cwd="/", stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            )
        except OSError:
            return False
        try:
            process.communicate(base64.b64decode(self._order["stdin"]), timeout=self._order["patience"])
        except subprocess.TimeoutExpired:
            _stop(process)
        return process.returncode in self._order["done"]


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
            return


def _ring(number: int, frame: object) -> None:
    # The bell has rung already. A handler, because programs that thaw would inherit SIG_IGN.
    pass


def _leave_everything() -> int:
    """Depend on nothing of the process that started this one; the file that signals are written to."""
    os.chdir("/")
    bell, clapper = os.pipe()
    os.set_blocking(clapper, False)
    signal.set_wakeup_fd(clapper)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ring)
    # Not the process to be sacrificed when memory runs out; only root may say so.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
        score.write("-1000")
    return bell


def main(name: str, started_by: str) -> None:
    """Connect to the module's socket of this name, take the order, watch."""
    if started_by == OWN_SESSION and os.fork():
        os._exit(0)
    bell = _leave_everything()
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    end.connect("\0" + name)
    line = Line(end, bell)
    # The name is no secret: only our own user may give us a program to run.
    if line.peer.uid != os.geteuid():
        return
    order = json.loads(line.hear(time.monotonic() + HANDSHAKE))
    line.say(ARMED)
    Watchdog(line, order).watch()


if __name__ == "__main__":
    main(*sys.argv[2:])
