# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a long work has come: bytes done of a total, rate, time left.

Times are seconds of one monotonic clock, handed in. Whoever reads a record may be another
process of the same boot: what is still running is worked out when it is read.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Any, Deque, Mapping, NamedTuple

SPAN = 20.0  # seconds that the rate looks back
STEP = 1.0  # seconds between two points that the rate is taken from
STALLED = 15.0  # seconds without a byte after which the last rate says nothing
ENDED = 16  # phases that are remembered after their end
LONGEST = 200  # characters of the name of a phase
_LINE = re.compile(r"\[([^\]\s]+)\] (\w+): (.+)")
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


class Ended(NamedTuple):
    """A phase that is over: its name, its bytes, how long it took in seconds, when it ended."""

    what: str
    done: int
    seconds: float
    until: float


class Meter:
    """Counts the bytes of one phase after another; not thread safe."""

    def __init__(self) -> None:
        self._what = ""
        self._total = self._done = 0
        self._began = self._last = 0.0
        self._points: Deque[tuple[float, int]] = deque()
        self._ended: Deque[Ended] = deque(maxlen=ENDED)

    def begin(self, what: str, total: int, at: float) -> None:
        """A phase begins, of `total` bytes, 0 if that is not known; the one before is over."""
        if self._what:
            self._ended.append(Ended(self._what, self._done, round(at - self._began, 3), at))
        self._what, self._total, self._done = what[:LONGEST], total, 0
        self._began = self._last = at
        self._points = deque([(at, 0)])

    def add(self, count: int, at: float) -> None:
        """So many bytes more are done."""
        self._done += count
        self._last = at
        if at - self._points[-1][0] >= STEP:
            self._points.append((at, self._done))
            while at - self._points[0][0] > SPAN and len(self._points) > 2:
                self._points.popleft()

    def record(self) -> dict[str, Any]:
        """What `reading` makes sense of, as JSON-able values."""
        return {
            "what": self._what, "done": self._done, "total": self._total, "began": self._began,
            "last": self._last, "rate": self._rate(), "ended": [list(one) for one in self._ended],
        }

    def _rate(self) -> float:
        since, done = self._points[0] if self._points else (self._last, self._done)
        return (self._done - done) / (self._last - since) if self._last > since else 0.0


def reading(record: Mapping[str, Any], at: float) -> dict[str, Any]:
    """A record as it stands now.

    Keys: `what`, `done`, `total` (0: unknown), `seconds` since the phase began, `rate` in bytes a second,
    `left` in seconds (None: unknown), `ended`: the phases before as dicts of `what`, `done`, `seconds`, `until`.
    """
    if not record.get("what"):
        return {}
    stalled = at - record["last"] > STALLED
    rate = 0.0 if stalled else float(record["rate"])
    ahead = max(record["total"] - record["done"], 0)
    return {
        "what": record["what"], "done": record["done"], "total": record["total"],
        "seconds": round(max(at - record["began"], 0.0), 1), "rate": int(rate),
        "left": round(ahead / rate, 1) if rate and record["total"] else None,
        "ended": [Ended(*one)._asdict() for one in record["ended"]],
    }


def in_words(seen: Mapping[str, Any]) -> str:
    """A reading as one line: what, bytes done of the total, rate, time left."""
    if not seen:
        return "begins"
    if not seen["total"]:
        return f"{seen['what']}, {duration(seen['seconds'])}"
    parts = [f"{seen['what']}: {amount(seen['done'])} of {amount(seen['total'])}"]
    if seen["rate"]:
        parts.append(f"{amount(seen['rate'])}/s")
    if seen["left"] is not None:
        parts.append(f"{duration(seen['left'])} left")
    return ", ".join(parts)


def ended_in_words(one: Mapping[str, Any]) -> str:
    """A phase that is over as one line."""
    took = f"done in {duration(one['seconds'])}"
    return f"{one['what']}: {amount(one['done'])}, {took}" if one["done"] else f"{one['what']}: {took}"


class Line(NamedTuple):
    """A line of progress on the controller's screen."""

    host: str
    module: str
    text: str

    def __str__(self) -> str:
        return f"[{self.host}] {self.module}: {self.text}"


def parse_line(text: str) -> Line | None:
    """The line of progress that this is, None if it is none."""
    found = _LINE.fullmatch(text)
    return Line(*found.groups()) if found else None


def amount(count: float) -> str:
    """A number of bytes for people: three digits and a unit."""
    size, unit = float(count), 0
    while size >= 1000 and unit < len(UNITS) - 1:
        size, unit = size / 1024, unit + 1
    digits = 0 if not unit or size >= 100 else 1 if size >= 10 else 2
    return f"{size:.{digits}f} {UNITS[unit]}"


def duration(seconds: float) -> str:
    """A time for people: 12 s, 3 min 20 s, 2 h 5 min."""
    whole = int(seconds + 0.5)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
