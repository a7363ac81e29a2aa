# SPDX-License-Identifier: GPL-3.0-or-later
"""What the runner asks of the world outside, and the values that go to and fro.

The adapters are under ``adapters/``, fakes of every port in ``testing.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol


class Step(NamedTuple):
    """One thing that happened in a playbook.

    ``kind``: play, task, host (a task's result on a host) or progress (of long work on a host, ``task``
    its module). ``state``: for a host one of ok, changed, failed, ignored, unreachable, skipped.
    ``message``: why it failed, or how far the work is.
    """

    kind: str
    play: str
    task: str = ""
    host: str = ""
    state: str = ""
    message: str = ""


class PlaybookCall(NamedTuple):
    """A playbook to run. ``playbook``: a path, or a name inside the collection.

    ``variables`` win over ``extra`` (the user's ``-e`` as typed). ``config``: the ansible.cfg.
    ``private``: a fresh directory of mode 0700 for what ansible-runner leaves behind.
    """

    playbook: str
    inventories: tuple[str, ...]
    variables: Mapping[str, str]
    extra: tuple[str, ...]
    check: bool
    diff: bool
    directory: Path
    config: Path | None
    private: Path


class PlaybookEnd(NamedTuple):
    """How a playbook run ended, as far as the controller knows.

    ``status``: ansible-runner's word (successful, failed, canceled, timeout), ``unknown`` when
    it left none. ``code``: the exit status, None when unknown. ``started``: a play began.
    """

    status: str
    code: int | None
    started: bool
    problem: str = ""


Watch = Callable[[Step], None]


class Playbooks(Protocol):
    """Runs playbooks."""

    def run(self, call: PlaybookCall, watch: Watch) -> PlaybookEnd:
        """Run one to its end; ``watch`` may be slow or raise without disturbing it."""


class Display(Protocol):
    """Shows a run to whoever looks on."""

    def __enter__(self) -> Display: ...

    def __exit__(self, *reason: object) -> None: ...

    def show(self, step: Step) -> None:
        """A step of the playbook."""

    def say(self, text: str) -> None:
        """A line of the runner's own."""


class Inventories(Protocol):
    """Reads inventories."""

    def values(self, inventories: tuple[str, ...]) -> dict[str, dict[str, Any]]:
        """Variables by host, untemplated."""


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Now, with a zone."""
