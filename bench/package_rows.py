# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a package: every item's digest and the file's, against a parser that keeps nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from .errors import BenchError
from .export_file import write_export
from .harness import MIB, Contestant, Step
from .rows import NO_PEER, Promise, memory, seconds
from .suites import Suite, ours

WORK = "package, 100 MB export, verify with item digests"
OURS, EXPAT = "ours", "expat"
SIZE, TRY = 100_000_000, 4_000_000


class Package(Suite):
    """A large export, from the disk."""

    name = "package"

    @property
    def promises(self) -> Sequence[Promise]:
        return [
            Promise(WORK, "bare expat parse", "s", 2.0, (OURS, EXPAT), seconds(OURS), seconds(EXPAT)),
            Promise(f"{WORK}, memory", NO_PEER, "MiB", 32, (OURS,), memory(OURS)),
        ]

    @property
    def contestants(self) -> Sequence[Contestant]:
        bare = [sys.executable, str(Path(__file__).with_name("bare_expat.py")), str(self.export)]
        return [
            Contestant(OURS, [ours("package", self.export, memory=256 * MIB)], 0.8, facts=self._facts),
            Contestant(EXPAT, [Step([bare], memory=256 * MIB)], 0.4),
        ]

    @property
    def export(self) -> Path:
        """The package."""
        return self.directory / "export.xml"

    def prepare(self, names: Sequence[str]) -> None:
        self._items = write_export(self.export, SIZE if self.setting.full else TRY)

    def _facts(self, output: str) -> dict[str, float]:
        found = int(json.loads(output)["items"])
        if found != self._items:
            raise BenchError(f"{found} items were read, the export has {self._items}")
        return {"items": found}
