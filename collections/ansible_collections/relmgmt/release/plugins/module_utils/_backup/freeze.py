# SPDX-License-Identifier: GPL-3.0-or-later
"""A frozen instance, and the certainty that it is thawed again (invariant 4, T18).

Nothing is frozen before a watchdog (``watchdog.py``) has said that it is armed. From then on
every way out of the block thaws: success, failure, a signal, SIGKILL of this process, a host
that hangs on to a stopped process. A freeze that ended before the block did is ``void``: what
was read under it is of no moment.
"""

from __future__ import annotations

import base64
import inspect
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import Iterator

from ansible_collections.relmgmt.release.plugins.module_utils._backup import watchdog
from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._backup.progress import Progress
from ansible_collections.relmgmt.release.plugins.module_utils._backup.watchdog import (
    ARMED,
    FREEZING,
    FROZEN,
    HANDSHAKE,
    OWN_SESSION,
    PATIENCE,
    RELEASED,
    SERVICE,
    THAWED,
    Line,
)
from ansible_collections.relmgmt.release.plugins.module_utils._engines.storage import Command, Storage
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    DatasetError,
    EngineError,
    InvalidInput,
    Refused,
    RelmgmtError,
)

DEFAULT_LIMIT, MOST = 60, 300
SYSTEMD = "/run/systemd/system"
#: the watchdog's text is an argument, in an alphabet that systemd leaves alone
_BOOT = "import base64, sys; exec(base64.b64decode(sys.argv[1]))"
# Read now: a worker outlives the file that its modules came from.
_TEXT = base64.b64encode(inspect.getsource(watchdog).encode()).decode()
_VOID_CURE = "take the backup set again when less is written, or with provider native or reflink"


class Freeze:
    """A freeze while it lasts, and what came of it.

    ``how``: the engine's words. ``watchdog``: who started it; ``pid``: its process. ``seconds``:
    how long writes stood still. ``void``: why what was read under it counts for nothing, else "".
    ``lapsed``: the engine, or somebody, ended it before its time.
    """

    def __init__(self, started_by: str, pid: int, limit: int) -> None:
        self.how = ""
        self.watchdog = started_by
        self.pid = pid
        self.seconds = 0.0
        self.void = ""
        self.lapsed = False
        self._limit = limit
        self._begun = time.monotonic()

    @property
    def late(self) -> bool:
        """Whether the limit has passed, so that the watchdog has thawed."""
        return time.monotonic() - self._begun >= self._limit

    def end(self, held: bool, answer: str) -> None:
        """The instance is thawed. ``held``: as the engine says; ``answer``: the watchdog's."""
        self.seconds = round(time.monotonic() - self._begun, 3)
        if self.late:
            self.void = f"the freeze took longer than its limit of {self._limit} s"
        elif not held:
            self.lapsed = True
            self.void = "the instance was no longer frozen when it was to be thawed"
        elif answer != RELEASED:
            self.void = f"the watchdog did not last ({answer})"

    def require_held(self, place: str) -> None:
        """Raise DatasetError if the freeze is void: the copy has to be thrown away."""
        if self.void:
            raise DatasetError(
                f"{self.void}; the copy is void and was thrown away", place=place, cure=_VOID_CURE,
                frozen_seconds=self.seconds,
            )


class Hurried(Progress):
    """Passes progress on, and stops work under a freeze that has lapsed anyway."""

    def __init__(self, progress: Progress, state: Freeze, place: str) -> None:
        self._progress = progress
        self._state = state
        self._place = place

    def begin(self, what: str, total: int) -> None:
        """A piece of work begins."""
        self._progress.begin(what, total)

    def add(self, count: int) -> None:
        """``count`` bytes more; raises DatasetError after the limit."""
        self._progress.add(count)
        if self._state.late:
            self._state.end(False, "")
            self._state.require_held(self._place)


def checked_limit(seconds: int) -> int:
    """The option ``freeze_limit``, or InvalidInput."""
    if not 1 <= seconds <= MOST:
        raise InvalidInput(
            f"a freeze of at most {seconds} s is not between 1 and {MOST}", place="freeze_limit",
            cure=f"the default is {DEFAULT_LIMIT}",
        )
    return seconds


@contextmanager
def frozen(storage: Storage, limit: int, hold: bool = False) -> Iterator[Freeze]:
    """Writes stand still while this lasts, at most ``limit`` seconds; look at ``void`` afterwards.

    ``hold``: writers wait where the engine would rather end the freeze.
    """
    guard = Guard(storage.thaw_command(), checked_limit(limit))
    try:
        failpoint("freeze:armed")
        state = _begin(storage, guard, limit, hold)
        try:
            yield state
        finally:
            _end(storage, guard, state)
    finally:
        guard.close()


def _begin(storage: Storage, guard: Guard, limit: int, hold: bool) -> Freeze:
    state = Freeze(guard.started_by, guard.pid, limit)
    answer = guard.ask(FREEZING)
    if answer != ARMED:
        raise EngineError(
            f"the watchdog did not last ({answer}); nothing was frozen", place=f"instance {storage.name}",
            cure="see what ends processes on this host, then run again",
        )
    try:
        state.how = storage.freeze(limit, hold)
    except Refused:
        # Somebody else's freeze is not ours to end.
        guard.ask(THAWED)
        raise
    except BaseException:
        _end(storage, guard, state)
        raise
    guard.say(FROZEN)
    failpoint("freeze:frozen")
    return state


def _end(storage: Storage, guard: Guard, state: Freeze) -> None:
    try:
        held = storage.thaw()
    except RelmgmtError as error:
        raise EngineError(
            f"thawing failed: {error.message}; the watchdog (process {state.pid}) goes on trying",
            place=f"instance {storage.name}", cure=error.cure or "see why the engine cannot thaw",
        ) from error
    failpoint("freeze:thawed")
    state.end(held, guard.ask(THAWED))


class Guard:
    """The module's end of an armed watchdog. ``pid``: its process; ``started_by``: who started it."""

    def __init__(self, command: Command, limit: int) -> None:
        name = f"relmgmt-{secrets.token_hex(16)}"
        failures = []
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind("\0" + name)
            listener.listen(1)
            for self.started_by in _starters():
                try:
                    self._line, self.pid = _arm(listener, name, self.started_by, _order(command, limit))
                    return
                except (OSError, subprocess.SubprocessError) as error:
                    failures.append(f"{self.started_by}: {error}")
        raise EngineError(
            f"the watchdog cannot be armed ({'; '.join(failures)}); nothing was frozen",
            place=name, cure="see why this host starts no process, or take provider native",
        )

    def say(self, word: str) -> None:
        """Tell the watchdog where we are."""
        self._line.say(word)

    def ask(self, word: str) -> str:
        """Tell it where we are; its answer."""
        self._line.say(word)
        return self._line.hear(time.monotonic() + HANDSHAKE)

    def close(self) -> None:
        """Close the line: without having said that it is thawed, the watchdog thaws at once."""
        self._line.close()


def _starters() -> list[str]:
    # systemd's own child outlives sessions, their control groups and logind.
    service = os.geteuid() == 0 and os.path.isdir(SYSTEMD)
    return [SERVICE, OWN_SESSION] if service else [OWN_SESSION]


def _order(command: Command, limit: int) -> str:
    return json.dumps({
        "argv": list(command.argv), "environment": dict(command.environment),
        "stdin": base64.b64encode(command.stdin).decode(), "done": list(command.done), "limit": limit,
        "patience": PATIENCE,
    })


def _arm(listener: socket.socket, name: str, started_by: str, order: str) -> tuple[Line, int]:
    subprocess.run(
        _argv(name, started_by), check=True, timeout=HANDSHAKE, cwd="/", start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    listener.settimeout(HANDSHAKE)
    line = Line(listener.accept()[0])
    if line.peer.uid != os.geteuid():
        raise OSError(f"process {line.peer.pid} of user {line.peer.uid} is not the watchdog")
    line.say(order)
    answer = line.hear(time.monotonic() + HANDSHAKE)
    if answer != ARMED:
        raise OSError(f"it answered {answer!r}")
    return line, line.peer.pid


def _argv(name: str, started_by: str) -> list[str]:
    own = [sys.executable or "python3", "-I", "-S", "-c", _BOOT, _TEXT, name, started_by]
    if started_by == OWN_SESSION:
        return own
    return ["systemd-run", "--quiet", "--collect", f"--unit={name}", "--", *own]
