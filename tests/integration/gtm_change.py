# SPDX-License-Identifier: GPL-3.0-or-later
"""A change cycle on the host of a GT.M instance with two regions, for backup and restore tests."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from gtm_instance import GtmSandbox
from module_runner import COLLECTIONS, MODULES

from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import Position
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_files import ALONE, region_of_its_own
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger

CHANGE = "CHG0000002"
RELEASE = "CFIS002"


class TwoRegions(GtmSandbox):
    """DEFAULT, and AUX for globals whose names begin with AUX; some data, two routines."""

    #: a global directory of two regions, and one of a single region, as GDE has made them
    defined, alone = b"", b""

    def __init__(self, base: Path) -> None:
        super().__init__(base)
        self.second = base / "aux.dat"

    def create(self, journal: bool = True) -> None:
        """Regions, journals, 200 nodes in each, two routines."""
        self.sources.mkdir(parents=True)
        self.objects.mkdir()
        self._define()
        self.engine.require(self.engine.mupip("create"), "mupip create")
        if journal:
            self.engine.require(self.engine.mupip("set", "-journal=enable,on,before", "-region", "*"), "set")
        self.m('FOR i=1:1:200 SET ^CASE(i)="open",^AUXLOG(i)=i')
        self.routine("CASE", "CASE()\tQUIT 1\n")
        self.routine("%CFUTIL", "%CFUTIL()\tQUIT 2\n")
        self.settle()

    def _define(self) -> None:
        # GDE takes half a second to create a global directory, and milliseconds to change one.
        directory = Path(self.engine.global_directory)
        add = "add -name AUX -region=AUX\nadd -name AUX* -region=AUX\nadd -region AUX -dynamic=AUX\n"
        if TwoRegions.defined:
            directory.write_bytes(TwoRegions.defined)
        orders = (
            f"change -segment DEFAULT -file={self.dataset}\n{'' if TwoRegions.defined else add}"
            f"{'change' if TwoRegions.defined else 'add'} -segment AUX -file={self.second}\nexit\n"
        )
        self.engine.require(self.engine.mumps("-run", "GDE", stdin=orders.encode()), "GDE")
        TwoRegions.defined = directory.read_bytes()

    def settle(self) -> None:
        """Nothing is left in shared memory."""
        self.engine.require(self.engine.mupip("rundown", "-region", "*"), "rundown")

    def start(self, code: str) -> subprocess.Popen[bytes]:
        """Start M code that goes on; returns after its first line of output."""
        process = subprocess.Popen(
            [f"{self.dist}/mumps", "-run", "%XCMD", code], env=self.engine.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.readline()
        self._background.append(process)
        return process

    def read_copy(self, copy: Path, node: str) -> str:
        """A node as a copy of a dataset holds it; the copy itself is not opened."""
        return self.ask_copy(copy, f"WRITE $GET({node})")

    def ask_copy(self, copy: Path, code: str) -> str:
        """What M code writes on a copy of a dataset; the copy itself is not opened."""
        scratch = self.base / f"scratch-{copy.name}"
        scratch.write_bytes(copy.read_bytes())
        if TwoRegions.alone:
            (self.base / ALONE).write_bytes(TwoRegions.alone)
        alone = region_of_its_own(self.engine, str(scratch), str(self.base))
        TwoRegions.alone = Path(alone.global_directory).read_bytes()
        return alone.require(alone.mumps("-run", "%XCMD", code), code).out


class Change:
    """CHG0000002 with its lease and receipt on this host."""

    def __init__(self, base: Path, gtm: TwoRegions) -> None:
        self.gtm = gtm
        self.root = base / "backup"
        self.ledger = base / "state" / "ledger.db"
        self.common: dict[str, Any] = {
            "instance": gtm.instance, "change": CHANGE, "lease": 1, "ledger": str(self.ledger),
        }
        ledger = Ledger(str(self.ledger))
        ledger.set_host(environment="sandbox", protected=True, sandbox=True)
        ledger.take_lease(CHANGE, {"user": "maria.lopez"}, 1)
        ledger.add_receipt(
            change=CHANGE, attempt=1, release=RELEASE, bundle_digest="b", plan_digest="p",
            environment="sandbox", packages=[], report={}, clock="", expires=4e9,
        )
        ledger.close()

    def backup(self, check: bool = False, failpoint: str = "", **options: Any) -> dict[str, Any]:
        """Run backup_set."""
        return run("backup_set", {**self.common, "root": str(self.root), **options}, check, failpoint)

    def restore(self, path: str, check: bool = False, failpoint: str = "", **options: Any) -> dict[str, Any]:
        """Run restore."""
        return run("restore", {**self.common, "path": path, **options}, check, failpoint)

    def look(self, **options: Any) -> dict[str, Any]:
        """Run backup_set_info."""
        return run("backup_set_info", options)

    def path(self, point: str = "before") -> Path:
        """Where a set of this attempt lies."""
        return self.root / RELEASE / f"{CHANGE}-1" / "CFIS" / point

    def read_ledger(self) -> Ledger:
        """The ledger, only to look."""
        return Ledger(str(self.ledger), readonly=True)

    def write_as_release(self, code: str) -> int:
        """Write as a package does, its process noted in an act; returns the process number."""
        ledger = Ledger(str(self.ledger))
        act = ledger.begin_act(
            change=CHANGE, attempt=1, release=RELEASE, phase="install", module="cache_package",
            target="CFIS:CFIS002.xml", intent={}, undo={"kind": "items"},
        )
        done = self.gtm.engine.require(self.gtm.engine.mumps("-run", "%XCMD", code), code)
        ledger.finish_act(act, "done", {"writer_pids": [done.pid]})
        ledger.close()
        return done.pid


def run(name: str, args: dict[str, Any], check: bool = False, failpoint: str = "") -> dict[str, Any]:
    """A module's result; ``status`` is that of its process, negative if a signal ended it."""
    request = {"ANSIBLE_MODULE_ARGS": {**args, "_ansible_check_mode": check, "_ansible_diff": True}}
    done = subprocess.run(
        [sys.executable, str(MODULES / f"{name}.py")], input=json.dumps(request).encode(),
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS), "RELMGMT_FAILPOINT": failpoint},
        capture_output=True, timeout=300, check=False,
    )
    result = json.loads(done.stdout) if done.stdout.strip() else {"stderr": done.stderr.decode()}
    return {"changed": None, "failed": False, "msg": "", **result, "status": done.returncode}


def tree(path: Path) -> dict[str, str]:
    """Digest of every file below a directory."""
    return {
        str(one.relative_to(path)): hashlib.sha256(one.read_bytes()).hexdigest()
        for one in sorted(path.rglob("*")) if one.is_file()
    }


def flip(path: Path, offset: int) -> None:
    """Turn one bit over."""
    with path.open("r+b") as stream:
        stream.seek(offset)
        byte = stream.read(1)[0]
        stream.seek(offset)
        stream.write(bytes([byte ^ 0x10]))


def positions(made: dict[str, Any]) -> dict[str, Position]:
    """The journal positions in a result of backup_set."""
    return {one["name"]: Position(**one["position"]) for one in made["datasets"] if one["position"]}
