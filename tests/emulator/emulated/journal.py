# SPDX-License-Identifier: GPL-3.0-or-later
"""The instance's journal: every update before it is made, in files that a freeze switches (FACTS 3.1, 3.4)."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

#: kind ("set", "kill", "zkill"), directory, global, subscripts, value
Update = tuple[str, str, str, list[str], str]


class Journal:
    """The current file and those before it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.path = self._next()
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o660)

    def _next(self) -> Path:
        day = time.strftime("%Y%m%d")
        taken = [int(each.suffix[1:]) for each in self.directory.glob(f"{day}.*")]
        return self.directory / f"{day}.{max(taken, default=0) + 1:03}"

    def write(self, update: Update) -> None:
        self._line(list(update))

    def mark(self, text: str) -> None:
        """A marker, as a freeze writes it (3.1)."""
        self._line(["marker", text])

    def _line(self, record: list[object]) -> None:
        os.write(self._file, json.dumps(record).encode("ascii") + b"\n")

    def switch(self) -> Path:
        """Begin a new file."""
        os.close(self._file)
        self.path = self._next()
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o660)
        return self.path

    def offset(self) -> int:
        return self.path.stat().st_size

    def close(self) -> None:
        os.close(self._file)


def updates(directory: Path, first: str, offset: int) -> Iterator[Update]:
    """Every update from a place in a file on, through the files after it."""
    for path in sorted(directory.iterdir()):
        if path.name < first:
            continue
        with path.open("rb") as file:
            file.seek(offset if path.name == first else 0)
            for line in file:
                record = json.loads(line)
                if record[0] != "marker":
                    yield tuple(record)
