# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with an instance, a set of point `before`, and a release carried out since; begun again for every fault."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import fault_checker as checker
import gtm_change
from gtm_change import Change, TwoRegions

WRITE = 'FOR i=1:7:200 SET ^CASE(i)="closed",^AUXLOG(i)="x" KILL:i=8 ^CASE(i)'
PATIENCE = 60.0


def until(true: Callable[[], object]) -> None:
    """Wait for something that has to come."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


class Scene:
    """``base``: where everything lies; ``saved``: its copies, outside of what a fault destroys."""

    def __init__(self, base: Path, saved: Path) -> None:
        self.base = base
        self._saved = saved
        base.mkdir()
        self.gtm = TwoRegions(base / "i")
        self.gtm.create()
        self.job = Change(base, self.gtm)
        self.database = checker.Database(self.gtm.dist, self.gtm.engine.environment())
        made = self.job.backup()
        assert made["changed"], made
        self.before = Path(made["path"])
        self.old = self.database.nodes(base / "old.zwr")
        self.sources = gtm_change.tree(self.gtm.sources)
        self.job.write_as_release(WRITE)
        self.gtm.routine("CASE", "CASE()\tQUIT 100\n")
        self.gtm.settle()
        self.new = self.database.nodes(base / "new.zwr")
        self.gtm.settle()
        shutil.copytree(base, saved)

    def begin_again(self) -> None:
        """The release is installed, its point `before` is there, nobody is at work."""
        self.gtm.close()
        self.forget_memory()
        if self.base.exists():
            shutil.rmtree(self.base)
        shutil.copytree(self._saved, self.base)

    def forget_memory(self) -> None:
        """Shared memory and semaphores of these datasets are gone, as after a reboot."""
        for path in (self.gtm.dataset, self.gtm.second):
            for option, number in self.database.memory_of(path).items():
                subprocess.run(["ipcrm", option, number], check=False, capture_output=True)

    # -- running ---------------------------------------------------------------------

    def start(self, name: str, failpoint: str = "", wrapper: Sequence[str] = (), **options: Any) -> Run:
        """Begin a module, as a process of its own."""
        return Run(name, {**self.job.common, **options}, failpoint, wrapper)

    def backup(self, failpoint: str = "", **options: Any) -> dict[str, Any]:
        """Take the point `installed`."""
        return self.job.backup(failpoint=failpoint, point="installed", **options)

    def restore(self, failpoint: str = "", **options: Any) -> dict[str, Any]:
        """Bring the point `before` back."""
        return self.job.restore(str(self.before), failpoint=failpoint, **options)

    # -- what must hold --------------------------------------------------------------

    def require_sets(self) -> None:
        """No torn set, the last good one is there, what the ledger recorded is there (I2, invariants 8 and 10)."""
        assert self.before in checker.require_no_torn_set(self.job.root)
        checker.require_recorded_sets_whole(self.job.ledger)

    def require_unharmed(self) -> None:
        """The instance is not frozen and holds what it held (I3)."""
        self.database.require_writable()
        assert self.database.nodes(self.base / "seen.zwr") == self.new
        self.database.require_integrity()

    def require_backed_up(self) -> None:
        """`installed` is a whole set, and what it holds is what the instance holds."""
        path = self.before.with_name("installed")
        self.require_sets()
        assert path in checker.named_sets(self.job.root)
        assert path in [Path(point["path"]) for point in checker.ledger(self.job.ledger)[1]]
        assert list(self.job.root.rglob("*.part")) == []

    def require_never_half(self) -> None:
        """Who gets in sees one point whole, the old or the new one (invariant 8)."""
        if self.database.can_be_opened():
            assert self.database.nodes(self.base / "seen.zwr") in (self.old, self.new)

    def require_restored(self) -> None:
        """Every node, every routine and the integrity are those of the point `before` (I7)."""
        assert self.database.nodes(self.base / "seen.zwr") == self.old
        sources = gtm_change.tree(self.gtm.sources)
        assert sources == self.sources, (sorted(sources), sorted(self.sources))
        self.database.require_writable()
        self.database.require_integrity()
        assert list(self.gtm.base.glob("*relmgmt-restoring")) == []


class Run:
    """A module under way in a process of its own."""

    def __init__(self, name: str, args: dict[str, Any], failpoint: str, wrapper: Sequence[str]) -> None:
        self._said, self._erred = (tempfile.TemporaryFile() for _ in range(2))  # noqa: SIM115 - closed when read
        self.process = subprocess.Popen(
            [*wrapper, sys.executable, str(gtm_change.MODULES / f"{name}.py")], stdin=subprocess.PIPE,
            stdout=self._said, stderr=self._erred,
            env={**os.environ, "PYTHONPATH": str(gtm_change.COLLECTIONS), "PYTHONDONTWRITEBYTECODE": "1",
                 "RELMGMT_FAILPOINT": failpoint},
        )
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode())
        self.process.stdin.close()

    def until_stopped(self) -> None:
        """Until it stands still at its failpoint: proof that it got there."""
        until(lambda: checker.state(self.process.pid) in ("T", "Z", ""))
        assert checker.state(self.process.pid) == "T", self.result()

    def kill(self) -> None:
        """kill -9 of the module and everything that it has begun itself."""
        for pid in list(checker.processes(self.process.pid)):
            os.kill(pid, signal.SIGKILL)
        self.result()

    def result(self) -> dict[str, Any]:
        """Its answer once it has ended, whenever it stands still sent on; ``status`` is that of its process."""

        def has_ended() -> bool:
            if checker.state(self.process.pid) == "T":
                self.process.send_signal(signal.SIGCONT)
            return self.process.poll() is not None

        until(has_ended)
        out, err = (_content(one) for one in (self._said, self._erred))
        answer = json.loads(out) if out.strip() else {"stderr": err}
        return {"changed": None, "failed": False, "msg": "", **answer, "status": self.process.returncode}


def _content(stream: IO[bytes]) -> str:
    with stream:
        stream.seek(0)
        return stream.read().decode()
