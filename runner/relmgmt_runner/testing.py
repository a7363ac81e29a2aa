# SPDX-License-Identifier: GPL-3.0-or-later
"""Fakes of every port, for the tests of this package and of what is built on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from relmgmt_runner.ports import PlaybookCall, PlaybookEnd, Step, Watch

GOOD_END = PlaybookEnd("successful", 0, True)


class FakePlaybooks:
    """Shows the given steps, writes the given result file and ends as told.

    ``result``: content of the result file without schema and nonce; None writes none. ``nonce``:
    another one than the run's. ``calls``: what was asked for.
    """

    def __init__(
        self,
        result: dict[str, Any] | None = None,
        end: PlaybookEnd = GOOD_END,
        steps: Sequence[Step] = (),
        nonce: str | None = None,
    ) -> None:
        self.result = result
        self.end = end
        self.steps = steps
        self.nonce = nonce
        self.calls: list[PlaybookCall] = []

    def run(self, call: PlaybookCall, watch: Watch) -> PlaybookEnd:
        self.calls.append(call)
        for step in self.steps:
            watch(step)
        if self.result is not None:
            nonce = self.nonce or call.variables["relmgmt_result_nonce"]
            content = {"schema": 1, "nonce": nonce, **self.result}
            Path(call.variables["relmgmt_result_file"]).write_text(json.dumps(content), encoding="utf-8")
        return self.end


class FakeDisplay:
    """Keeps what it is shown."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.lines: list[str] = []

    def __enter__(self) -> FakeDisplay:
        return self

    def __exit__(self, *reason: object) -> None:
        return None

    def show(self, step: Step) -> None:
        self.steps.append(step)

    def say(self, text: str) -> None:
        self.lines.append(text)


class FakeInventories:
    """Answers with the given variables by host."""

    def __init__(self, hosts: dict[str, dict[str, Any]]) -> None:
        self.hosts = hosts
        self.asked: list[tuple[str, ...]] = []

    def values(self, inventories: tuple[str, ...]) -> dict[str, dict[str, Any]]:
        self.asked.append(inventories)
        return self.hosts


class FakeClock:
    """Stands still at the given time."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment
