# SPDX-License-Identifier: GPL-3.0-or-later
"""A live GT.M database on XFS: how long a backup stops its writers, and how much memory it takes.

The whole of ``backup_set`` runs, on a database that a process writes to. Frozen time is
what the record says or the longest pause that the writer saw, whichever is longer: it is
measured on both sides.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger

from .errors import BenchError, NotMeasurable
from .gtm_database import Database
from .harness import Contestant, Step
from .rows import NO_PEER, Promise, Runs, fact, memory
from .suites import FREE_RATE, GIB, REPOSITORY, Files, Setting, Suite

FROZEN = "backup on XFS with reflink, frozen time"
MEMORY = "backup, memory"
OURS = "ours"
CHANGE, RELEASE = "CHG0000001", "BENCH001"
MODULES = REPOSITORY / "collections/ansible_collections/relmgmt/release/plugins/modules"


class OnXfs(Suite):
    """4 GiB."""

    name = "backup on XFS, 4 GiB"
    times: ClassVar[int] = 1

    def __init__(self, setting: Setting, files: Files) -> None:
        super().__init__(setting, files)
        self.size = setting.size * self.times
        self._mount = self.directory / "xfs"
        self._root = self.directory / "sets"
        self._database: Database | None = None
        self._pause = 0.0

    @property
    def promises(self) -> Sequence[Promise]:
        suffix = f", {4 * self.times} GiB"
        return [
            Promise(FROZEN + suffix, NO_PEER, "s", 1.0, (OURS,), fact(OURS, "frozen"), note=self._both_sides),
            Promise(MEMORY + suffix, NO_PEER, "MiB", 64, (OURS,), memory(OURS)),
        ]

    @property
    def contestants(self) -> Sequence[Contestant]:
        command = f"exec {shlex.quote(sys.executable)} {MODULES}/backup_set.py < {self.directory}/arguments.json"
        step = Step([["bash", "-c", command]], environment={"PYTHONPATH": str(REPOSITORY / "collections")})
        return [Contestant(OURS, [step], self.size / FREE_RATE * 4, self._begin, self._end, self._facts)]

    def _both_sides(self, runs: Runs) -> str:
        recorded, pause = fact(OURS, "recorded")(runs), fact(OURS, "pause")(runs)
        return f"recorded {recorded:.2f} s, the writer's longest pause {pause:.2f} s, GT.M {self.database.version}"

    @property
    def setup_seconds(self) -> float:
        return self.size / FREE_RATE * 2

    def needs(self, name: str) -> Sequence[str]:
        return ["mkfs.xfs"]

    def prepare(self, names: Sequence[str]) -> None:
        self.files.make_room()
        image = self.directory / "xfs.img"
        self._mount.mkdir()
        with image.open("wb") as stream:
            # The journal, what the writer and the clone no longer share, and for a moment a second file.
            stream.truncate(2 * self.size + self.size // 2 + GIB)
        _require(["mkfs.xfs", "-q", "-m", "reflink=1", str(image)])
        _require(["mount", "-o", "loop", str(image), str(self._mount)])
        loop = _require(["findmnt", "-n", "-o", "SOURCE", str(self._mount)]).strip()
        # Else every block would be cached twice, and the loop device's cache would do the reading.
        _require(["losetup", "--direct-io=on", loop])
        self._database = Database(self._mount / "db")
        self._database.create(self.size)

    def clean(self) -> None:
        if self._database is not None:
            self._database.close()
        if self._mount.is_mount():
            _require(["umount", str(self._mount)])
        super().clean()

    @property
    def database(self) -> Database:
        """There once ``prepare`` has been called."""
        if self._database is None:
            raise BenchError("there is no database yet")
        return self._database

    def _begin(self) -> None:
        """A fresh change with its lease and receipt, and a process that writes."""
        state = self.directory / "state"
        for path in (state, self._root):
            shutil.rmtree(path, ignore_errors=True)
        self.database.remove_old_journals()
        self.database.make_whole()
        ledger = Ledger(str(state / "ledger.db"))
        ledger.set_host(environment="bench", protected=True, sandbox=True)
        ledger.take_lease(CHANGE, {"user": "bench"}, 1)
        ledger.add_receipt(
            change=CHANGE, attempt=1, release=RELEASE, bundle_digest="b", plan_digest="p", environment="bench",
            packages=[], report={}, clock="", expires=4e9,
        )
        ledger.close()
        options = {
            "instance": self.database.instance, "root": str(self._root), "change": CHANGE, "lease": 1,
            "ledger": str(state / "ledger.db"), "provider": "reflink",
        }
        (self.directory / "arguments.json").write_text(json.dumps({"ANSIBLE_MODULE_ARGS": options}), encoding="utf-8")
        self.database.start_writer()

    def _end(self) -> None:
        self._pause = self.database.stop_writer()

    def _facts(self, output: str) -> dict[str, float]:
        result = _result(output.splitlines())
        if result.get("provider") != "reflink":
            raise BenchError(f"the set was taken by {result.get('provider')}, not by reflink")
        recorded = float(result["frozen_seconds"])
        return {"frozen": max(recorded, self._pause), "recorded": recorded, "pause": self._pause}


class LargeOnXfs(OnXfs):
    """16 GiB."""

    name = "backup on XFS, 16 GiB"
    times: ClassVar[int] = 4


def _result(lines: Iterable[str]) -> dict[str, Any]:
    for line in lines:
        if line.startswith("{"):
            return dict(json.loads(line))
    raise BenchError("the module gave no result")


def _require(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasurable(f"{command[0]} failed: {done.stderr.strip()[-300:]}")
    return done.stdout

