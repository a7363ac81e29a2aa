# SPDX-License-Identifier: GPL-3.0-or-later
"""A real GT.M instance in a test's own directory: ``gtm`` is the fixture."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from programs import programs

from ansible_collections.relmgmt.release.plugins.module_utils._engines import gtm_view
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import InstanceInfo


def find_dist() -> str:
    """Directory of mumps and mupip: RELMGMT_GTM_DIST, or Debian's GT.M."""
    return os.environ.get("RELMGMT_GTM_DIST") or str(programs().gtm_dist)


class GtmSandbox:
    """An instance with one region, journaling on, and directories for source and objects."""

    def __init__(self, base: Path, name: str = "CFIS", dist: str = "") -> None:
        self.base = base
        self.dist = dist or find_dist()
        self.sources = base / "r"
        self.objects = base / "o"
        self.dataset = base / "cfis.dat"
        self.instance: dict[str, Any] = {
            "name": name, "engine": "gtm",
            "gtm": {
                "dist": self.dist, "global_directory": str(base / "cfis.gld"),
                "source_directory": str(self.sources), "object_directory": str(self.objects),
                "environment": {},
            },
        }
        self.engine = GtmInstance.of(self.instance)
        self._background: list[subprocess.Popen[bytes]] = []

    def create(self, journal: bool = True) -> None:
        """Global directory, dataset, journal."""
        self.sources.mkdir(parents=True)
        self.objects.mkdir()
        orders = (
            f"change -segment DEFAULT -file={self.dataset}\n"
            "change -region DEFAULT -record_size=100000 -key_size=500 -stdnull -null_subscripts=always\nexit\n"
        )
        self.engine.require(self.engine.mumps("-run", "GDE", stdin=orders.encode()), "GDE")
        self.engine.require(self.engine.mupip("create"), "mupip create")
        if journal:
            self.engine.require(
                self.engine.mupip("set", "-journal=enable,on,before", "-region", "*"), "mupip set"
            )

    def m(self, code: str) -> str:
        """What M code writes, without line ends at its end."""
        return self.engine.require(self.engine.mumps("-run", "%XCMD", code), code).out.rstrip("\n")

    def routine(self, name: str, text: str, compiled: bool = True) -> Path:
        """A routine of the application, in source and object."""
        path = self.sources / (name.replace("%", "_") + ".m")
        path.write_text(text, encoding="utf-8")
        if compiled:
            answer = self.engine.mumps(str(path), cwd=str(self.objects))
            assert answer.rc == 0, answer.err
        return path

    def run(self, entry: str) -> str:
        """What ``mumps -run`` of an entry writes."""
        return self.engine.require(self.engine.mumps("-run", entry), entry).out

    def info(self) -> InstanceInfo:
        """What the product sees of it."""
        return gtm_view.info(self.engine)

    def extract(self) -> list[str]:
        """Every node of every global, as ``mupip extract`` writes them, without the header."""
        target = self.base / "extract.zwr"
        target.unlink(missing_ok=True)
        answer = self.engine.mupip("extract", "-format=zwr", str(target))
        if answer.has("NOSELECT"):
            return []
        self.engine.require(answer, "mupip extract")
        lines = target.read_text(encoding="utf-8", errors="surrogateescape").splitlines()[2:]
        target.unlink()
        return lines

    def hold_open(self, seconds: int = 60) -> subprocess.Popen[bytes]:
        """A process that has the dataset open, as a user of the application has."""
        process = subprocess.Popen(
            [f"{self.dist}/mumps", "-run", "%XCMD", f'set x=$data(^A) write "open",! hang {seconds}'],
            env=self.engine.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.readline()
        self._background.append(process)
        return process

    def close(self) -> None:
        """End what this sandbox started."""
        for process in self._background:
            process.terminate()
            process.communicate(timeout=20)
        self._background.clear()
        if self.dataset.exists():
            self.engine.mupip("rundown", "-region", "*")


@pytest.fixture(scope="session")
def gtm_dist() -> str:
    """Directory of GT.M."""
    return find_dist()


@pytest.fixture
def make_gtm(tmp_path: Path, gtm_dist: str) -> Iterator[Callable[..., GtmSandbox]]:
    """Makes instances by name, each in a directory of its own."""
    made: list[GtmSandbox] = []

    def make(name: str = "CFIS", journal: bool = True) -> GtmSandbox:
        sandbox = GtmSandbox(tmp_path / "instances" / name, name, gtm_dist)
        made.append(sandbox)
        sandbox.create(journal)
        return sandbox

    yield make
    for sandbox in made:
        sandbox.close()


@pytest.fixture
def gtm(make_gtm: Callable[..., GtmSandbox]) -> GtmSandbox:
    """A fresh instance, journaling on."""
    return make_gtm()
