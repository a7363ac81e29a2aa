# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that only an executable of the host can reach (T39): one JSON object in, one JSON object out.

It is called as ``COMMAND… read``, ``COMMAND… write`` or ``COMMAND… pending``, never through a shell, and gets

    {"schema": 1, "interface": "CATS", "endpoint": "production" | "test" | null, "value": "5101" | null}

on its standard input; endpoint and value are null but for a write, endpoint also for a value of neither mode. It
answers ``{"value": "5101"}`` with what stands afterwards, null if there is none, to ``pending`` with
``{"pending": "why what stands is not yet in force"}``, and ends with status 0. Any other end is a failure, and what
it wrote to its standard error is shown.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import time
from typing import IO, Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import (
    PRODUCTION,
    TEST,
    SettingPlace,
    meaning,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context, Places, Written

SCHEMA = 1
SECONDS = 60.0
_MOST = 1 << 16  # bytes of an answer, and of what is said beside it
_TAIL = 2000  # characters of it that a message carries
_PAUSE = 0.1
_CURE = "run it by hand; what it must do is under `command` in the documentation of the interfaces"


class Answer(NamedTuple):
    """How a command ended; code is None when it was ended for its time or its output."""

    code: Optional[int]
    out: bytes
    error: str


class CommandPlaces(Places):
    """Settings behind executables, each called for itself."""

    def __init__(self, settings: Sequence[SettingPlace], context: Context, seconds: float = SECONDS) -> None:
        super().__init__(settings, context)
        self._seconds = seconds
        self._seen: Dict[str, Optional[str]] = {}

    def check(self, values: Mapping[str, Optional[str]]) -> None:
        for one in self.settings:
            path = one.options["command"][0]
            if not (os.path.isfile(path) and os.access(path, os.X_OK)):
                raise RelmgmtError("there is no such executable", path, "install it: interface %s" % one.interface)

    def read(self) -> Dict[str, Optional[str]]:
        self._seen = {one.key: self._value(one, "read", None, None) for one in self.settings}
        return dict(self._seen)

    def write(self, values: Mapping[str, Optional[str]]) -> Written:
        """One after the other; what another one changed since `read` stops it there."""
        self.check(values)
        for one in self.settings:
            if one.key in values:
                self._write(one, values[one.key])
        return Written()

    def pending(self) -> str:
        found = []
        for one in self.settings:
            said = self._ask(one, "pending", None, None).get("pending")
            if not isinstance(said, str):
                raise _unknown(one, "pending", "its answer has no text under `pending`", "")
            if said:
                found.append("%s: %s" % (one.key, said))
        return "; ".join(found)

    def _write(self, setting: SettingPlace, value: Optional[str]) -> None:
        now = self._value(setting, "read", None, None)
        if now == value:
            self._seen[setting.key] = now
            return
        if now != self._seen.setdefault(setting.key, now):
            message = "%s changed between looking and writing; it was not written" % setting.key
            raise RelmgmtError(message, setting.where, "find out who changes it, then run again")
        mode = meaning(setting, value)
        stands = self._value(setting, "write", mode if mode in (PRODUCTION, TEST) else None, value)
        if stands != value:
            raise _unknown(setting, "write", "it was given %r and answers that %r stands" % (value, stands), "")
        self._seen[setting.key] = value

    def _value(self, setting: SettingPlace, verb: str, endpoint: Optional[str], value: Optional[str]) -> Optional[str]:
        answer = self._ask(setting, verb, endpoint, value)
        found = answer.get("value", answer)
        if found is not None and not isinstance(found, str):
            raise _unknown(setting, verb, "its answer has neither text nor null under `value`", "")
        return found

    def _ask(
        self, setting: SettingPlace, verb: str, endpoint: Optional[str], value: Optional[str]
    ) -> Dict[str, Any]:
        asked = {"schema": SCHEMA, "interface": setting.interface, "endpoint": endpoint, "value": value}
        command = [*setting.options["command"], verb]
        try:
            answer = converse(command, json.dumps(asked).encode("ascii"), self._seconds)
        except OSError as error:
            raise _unknown(setting, verb, "it cannot be run: %s" % error.strerror, "") from error
        if answer.code is None:
            raise _unknown(setting, verb, "it did not end within %g s, or wrote too much" % self._seconds, answer.error)
        if answer.code != 0:
            raise _unknown(setting, verb, "it ended with %d" % answer.code, answer.error)
        try:
            found = json.loads(answer.out.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise _unknown(setting, verb, "its answer is no JSON: %s" % error, answer.error) from error
        if not isinstance(found, dict):
            raise _unknown(setting, verb, "its answer is no JSON object", answer.error)
        return found


def converse(command: Sequence[str], request: bytes, seconds: float) -> Answer:
    """Run a command with `request` (less than a pipe holds) on its standard input, alone in its session.

    It is over when the process has ended: what it leaves behind may hold its output open (T27). With the time, or
    with more output than _MOST, its whole process group ends.
    """
    reading, writing = os.pipe()
    try:
        os.write(writing, request)
    finally:
        os.close(writing)
    try:
        process = subprocess.Popen(
            list(command), stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
    finally:
        os.close(reading)
    with process:
        parts = {stream: bytearray() for stream in (process.stdout, process.stderr) if stream is not None}
        ended = _listen(process, parts, time.monotonic() + seconds)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    out, error = parts.values()
    return Answer(code if ended else None, bytes(out), error.decode("utf-8", "replace")[-_TAIL:].strip())


def _listen(process: "subprocess.Popen[bytes]", parts: Mapping[IO[bytes], bytearray], deadline: float) -> bool:
    """Take in what it writes until it has ended; False when it has to be ended."""
    with selectors.DefaultSelector() as selector:
        for stream in parts:
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, selectors.EVENT_READ)
        while True:
            has_ended = process.poll() is not None
            ready: List[Any] = [key.fileobj for key, _events in selector.select(0 if has_ended else _PAUSE)]
            for stream in ready:
                data = os.read(stream.fileno(), _MOST)
                parts[stream].extend(data)
                if not data:
                    selector.unregister(stream)
            if any(len(part) > _MOST for part in parts.values()):
                return False
            if has_ended and not ready:
                return True
            if time.monotonic() >= deadline:
                return False


def _unknown(setting: SettingPlace, verb: str, what: str, said: str) -> HostStateUnknown:
    """A failure; what the command said beside its answer is part of the message."""
    message = "%s, %s: %s" % (setting.interface, verb, what)
    return HostStateUnknown("%s; it said: %s" % (message, said) if said else message, setting.where, _CURE)
