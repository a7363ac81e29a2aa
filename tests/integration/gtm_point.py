# SPDX-License-Identifier: GPL-3.0-or-later
"""A GT.M instance with a backup set of point `before`, put back to that moment for every test."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

from gtm_change import Change, TwoRegions, tree

from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import VARIABLE
from ansible_collections.relmgmt.release.plugins.module_utils._backup.restoring import Restore
from ansible_collections.relmgmt.release.plugins.module_utils._engines.choose import open_storage
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_files import read_header, with_directory
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError

WRITE = 'SET ^CASE(1)="closed",^CASE("new")=1,^AUXLOG(1)="x" KILL ^CASE(2)'
PERSON = {"lose_writes_confirmed_by": "maria.lopez"}
#: what the nodes hold after `change`, and at the point
OLD, NEW = {"^AUXLOG(1)": "x", "^CASE(1)": "closed"}, {"^AUXLOG(1)": "1", "^CASE(1)": "open"}


class Point:
    """A set of point `before`, and what the instance held at it."""

    def __init__(self, root: Path, **options: Any) -> None:
        self.root = root
        self.gtm = TwoRegions(root / "i")
        self.gtm.create()
        self.job = Change(root, self.gtm)
        self.made = self.job.backup(**options)
        assert self.made["changed"], self.made
        self.path = Path(self.made["path"])
        self.globals = self.gtm.extract()
        self.sources = tree(self.gtm.sources)
        self.gtm.settle()
        self._saved = root.with_name(root.name + "-saved")

    def save(self) -> Point:
        """Keep this moment."""
        shutil.copytree(self.root, self._saved)
        return self

    def begin_again(self) -> None:
        """Everything is as it was when it was saved."""
        self.gtm.close()
        for path in (self.gtm.dataset, self.gtm.second):
            self._forget_memory(path)
        shutil.rmtree(self.root)
        shutil.copytree(self._saved, self.root)

    def other_directory(self) -> GtmInstance:
        """Another global directory that names the same files: who comes with it passes the fence by."""
        path = self.root / "other.gld"
        shutil.copyfile(self._saved / "i/cfis.gld", path)
        return with_directory(self.gtm.engine, str(path))

    def _forget_memory(self, path: Path) -> None:
        try:
            left = path.exists() and read_header(self.gtm.engine, str(path)).memory != -1
        except DatasetError:
            return
        if left:
            self.gtm.engine.mupip("rundown", "-override", "-file", str(path))

    def change(self) -> None:
        """What a release does: globals in both regions, one routine changed, one new, one gone."""
        self.job.write_as_release(WRITE)
        self.gtm.routine("CASE", "CASE()\tQUIT 100\n")
        self.gtm.routine("CASENEW", "CASENEW()\tQUIT 3\n")
        (self.gtm.sources / "_CFUTIL.m").unlink()
        (self.gtm.objects / "_CFUTIL.o").unlink()
        self.gtm.settle()

    def restore(self, **options: Any) -> dict[str, Any]:
        return self.job.restore(str(self.path), **options)

    def restore_here(self) -> bool:
        """The restore without the module around it; whether anything was to be done."""
        job = Restore(open_storage(self.gtm.instance), str(self.path), str(self.root))
        with job.alone():
            job.settle()
            plan = job.plan()
            if plan.needed:
                job.carry_out(plan, lambda _plan: None)
        return plan.needed

    def kill_restore_at(self, step: str) -> None:
        """The same in a process of its own that dies at ``step``."""
        child = os.fork()
        if not child:
            os.environ[VARIABLE] = step
            try:
                self.restore_here()
            finally:
                os._exit(7)
        _pid, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), f"{step} was never reached"
        assert os.WTERMSIG(status) == signal.SIGKILL

    def require_reached(self) -> None:
        """Globals, routines, journals, integrity are those of the point; writes work."""
        assert self.gtm.extract() == self.globals
        assert tree(self.gtm.sources) == self.sources
        assert self.gtm.m("WRITE $$^CASE()") == "1"
        assert not (self.gtm.objects / "CASENEW.o").exists()
        assert {one.journal for one in self.gtm.info().datasets} == {
            str(self.gtm.base / "cfis.mjl"), str(self.gtm.base / "aux.mjl")
        }
        integ = self.gtm.engine.mupip("integ", "-region", "*")
        assert integ.rc == 0, integ.err
        assert list(self.gtm.base.glob("*relmgmt-restoring")) == []
        assert list(self.gtm.base.glob(".*.relmgmt-restore")) == []


def open_each(point: Point) -> dict[str, str]:
    """Each dataset as somebody sees it who comes with a global directory of his own: "" if it cannot be opened."""
    seen = {}
    for node in ("^AUXLOG(1)", "^CASE(1)"):
        answer = point.other_directory().mumps("-run", "%XCMD", f"WRITE {node}", deadline=20)
        assert answer.rc == 0 or answer.has("DBNOTGDS"), answer
        seen[node] = answer.out.strip() if answer.rc == 0 else ""
    return seen
