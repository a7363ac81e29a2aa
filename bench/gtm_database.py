# SPDX-License-Identifier: GPL-3.0-or-later
"""A real GT.M database of any size, with a writer that notes how long it had to wait.

Programs are found and, if Debian's package is not installed, unpacked as the sandbox does it.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from relmgmt_sandbox.debian import find_programs
from relmgmt_sandbox.errors import SandboxError
from relmgmt_sandbox.layout import Layout, locked

from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import GtmInstance

from .errors import BenchError, NotMeasurable
from .suites import REPOSITORY

BLOCK = 8192
VALUE = 7600
FILL = """bfill(count)
 new at,index,pool
 set pool=""
 for index=1:1:12000 set pool=pool_$char(33+$random(90))
 for index=1:1:count set at=$random(4000),^DATA(index)=$extract(pool,at+1,at+{value})
 quit
"""
# Twenty nodes scattered over the database, then a breath: some 1500 writes a second.
WRITE = """bwrite(count)
 new before,longest,now,step,wait
 kill ^STOP
 set longest=0,before=$$now
 write "writing",!
 for  quit:$data(^STOP)  do
 . for step=1:1:20 do
 . . set ^DATA($random(count)+1,"touched")=step
 . . set now=$$now,wait=now-before,before=now
 . . set:wait>longest longest=wait
 . hang 0.01
 . set before=$$now
 write longest,!
 quit
now()
 new at
 set at=$zhorolog
 quit $piece(at,",",2)*1000000+$piece(at,",",3)
"""


class Database:
    """An instance with one region. ``base``: its directory, which may be on a mounted file system."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.dataset = base / "bench.dat"
        self.nodes = 0
        dist = _dist()
        self.version = dist.name
        self.instance: dict[str, Any] = {
            "name": "BENCH", "engine": "gtm",
            "gtm": {
                "dist": str(dist), "global_directory": str(base / "bench.gld"), "source_directory": str(base / "r"),
                "object_directory": str(base / "o"), "environment": {"gtm_log": str(base / "log")},
            },
        }
        self._engine = GtmInstance.of(self.instance)
        self._writer: subprocess.Popen[str] | None = None

    def create(self, size: int) -> None:
        """Fill it to about ``size`` bytes, then start its journal, with before-images."""
        for name in ("r", "o", "log"):
            (self.base / name).mkdir(parents=True)
        (self.base / "r" / "bfill.m").write_text(FILL.format(value=VALUE), encoding="ascii")
        (self.base / "r" / "bwrite.m").write_text(WRITE, encoding="ascii")
        directory = (
            f"change -segment DEFAULT -block_size={BLOCK} -extension=65535 -global_buffer_count=2048 "
            f"-file={self.dataset}\nchange -region DEFAULT -record_size=16000 -key_size=255\nexit\n"
        )
        self._engine.require(self._engine.mumps("-run", "GDE", stdin=directory.encode()), "GDE")
        self._engine.require(self._engine.mupip("create"), "mupip create")
        self.nodes = size // BLOCK
        self._run("%XCMD", f"do bfill^bfill({self.nodes})", deadline=1200.0)
        self._engine.require(self._engine.mupip("rundown", "-region", "*", deadline=300.0), "mupip rundown")
        journal = f"-journal=enable,on,before,file={self.base / 'bench.mjl'}"
        self._engine.require(self._engine.mupip("set", journal, "-region", "*"), "mupip set")

    def start_writer(self) -> None:
        """Returns when it writes; one that a failed run left behind is ended."""
        self.end_writer()
        self._writer = subprocess.Popen(
            [f"{self._engine.dist}/mumps", "-run", "%XCMD", f"do bwrite^bwrite({self.nodes})"],
            env=self._engine.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )
        assert self._writer.stdout is not None
        if self._writer.stdout.readline().strip() != "writing":
            raise BenchError(f"the writer does not write: {self._writer.stdout.read()}")

    def stop_writer(self) -> float:
        """End it; the longest time between two of its writes, in seconds."""
        if self._writer is None:
            return 0.0
        writer, self._writer = self._writer, None
        self._run("%XCMD", "set ^STOP=1")
        out, _ = writer.communicate(timeout=60)
        if writer.returncode:
            raise BenchError(f"the writer ended with status {writer.returncode}: {out}")
        return int(out.strip()) / 1e6

    def end_writer(self) -> None:
        """Without asking what it saw."""
        if self._writer is not None:
            self._writer.terminate()
            self._writer.communicate(timeout=60)
            self._writer = None

    def make_whole(self) -> None:
        """The file in few pieces again: what was written while a clone shared its blocks lies in thousands."""
        self._engine.require(self._engine.mupip("rundown", "-region", "*", deadline=300.0), "mupip rundown")
        aside = self.dataset.with_suffix(".whole")
        subprocess.run(["cp", "--preserve=all", "--reflink=never", self.dataset, aside], check=True)
        aside.rename(self.dataset)

    def remove_old_journals(self) -> None:
        """Every backup switches the journal; the old ones only take space."""
        for old in self.base.glob("bench.mjl_*"):
            old.unlink()

    def close(self) -> None:
        """End the writer, give the shared memory back."""
        self.end_writer()
        if self.dataset.exists():
            self._engine.mupip("rundown", "-region", "*", deadline=300.0)

    def _run(self, *words: str, deadline: float = 60.0) -> None:
        self._engine.require(self._engine.mumps("-run", *words, deadline=deadline), words[-1])


def _dist() -> Path:
    """Where mumps and mupip are; unpacked into the cache that the tests use too."""
    cache = Path(os.environ.setdefault("RELMGMT_CACHE", str(REPOSITORY / ".cache"))) / "programs"
    cache.mkdir(parents=True, exist_ok=True)
    try:
        with locked(cache):
            return find_programs(Layout(cache, 1), print).gtm_dist
    except (SandboxError, OSError) as error:
        raise NotMeasurable(f"there is no GT.M: {error}") from error
