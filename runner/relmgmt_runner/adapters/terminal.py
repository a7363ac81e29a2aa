# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress on a terminal (rich), or as plain lines where nobody looks on."""

from __future__ import annotations

import sys
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from relmgmt_runner.ports import Display, Step
from relmgmt_runner.progress import PHASE_COUNT, line_of, phase_number, printable

LONGEST = 100  # characters of the line that moves
STYLES = {"changed": "yellow", "failed": "bold red", "unreachable": "bold red", "ignored": "magenta"}


def display_for(stream: TextIO = sys.stdout) -> Display:
    """A live display on a terminal, plain lines elsewhere."""
    return LiveDisplay(Console(file=stream)) if stream.isatty() else PlainDisplay(stream)


class PlainDisplay:
    """One line a play and a result, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __enter__(self) -> PlainDisplay:
        return self

    def __exit__(self, *reason: object) -> None:
        self._stream.flush()

    def show(self, step: Step) -> None:
        line = line_of(step)
        if line:
            self.say(line)

    def say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class LiveDisplay:
    """The phase, the task and the time in a line that moves; what changed or failed above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(20),
            TimeElapsedColumn(), console=console, transient=True,
        )
        self._bar = self._progress.add_task("starting", total=None)

    def __enter__(self) -> LiveDisplay:
        self._progress.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self._progress.stop()

    def show(self, step: Step) -> None:
        if step.kind == "host":
            if step.state in STYLES:
                self._console.print(Text(line_of(step), style=STYLES[step.state]))
            return
        if step.kind == "progress":
            self._progress.update(self._bar, description=line_of(step)[:LONGEST])
            return
        number = phase_number(step.play)
        name = printable(step.play if step.kind == "play" else f"{step.play}: {step.task}")[:LONGEST]
        self._progress.update(
            self._bar, description=name, completed=number or 0, total=PHASE_COUNT if number else None
        )
        if step.kind == "play":
            self._console.print(Text(line_of(step), style="bold"))

    def say(self, text: str) -> None:
        self._console.print(Text(text))
