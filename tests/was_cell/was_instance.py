# SPDX-License-Identifier: GPL-3.0-or-later
"""A cell for tests: ``make_was`` makes one, emulated, or the real one that ``RELMGMT_WAS`` describes as JSON.

``RELMGMT_WAS='{"profile": "/opt/IBM/WebSphere/AppServer/profiles/Dmgr01", "cluster": "test"}'`` is
``relmgmt_websphere.was``; applications named relmgmt… are installed there and removed.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from emulated_cell.admin import OBJECTS, Session
from emulated_cell.cell import Cell
from emulated_cell.served import make_profile, served
from jython import jython

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was import Was
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_jython.cell import Admin
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_jython.session import answer
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_jython.text import from_json, to_json
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_options import WasOptions
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_session import WasSession

#: what runs the script: this Python, in the test's own process, or a Jython below the stand-in for wsadmin
HERE, REAL = "here", "real"
TWO_NODES = {"node1": ["member1"], "node2": ["member2"]}


class SessionHere(WasSession):
    """The very script, run by this Python: what it decides is tested without a start of Java for each case."""

    def __init__(self, options: WasOptions, cell: Cell) -> None:
        super().__init__(options)
        self._cell = cell
        self._own = Session()

    def close(self) -> None:
        self._connected = None
        shutil.rmtree(self.directory, ignore_errors=True)

    def begin_anew(self) -> None:
        self._own = Session()
        super().begin_anew()

    def _prepare(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="relmgmt-was-test-")
        self._cell.starts += 1

    def _answered(self, parameters: dict[str, Any], seconds: float) -> dict[str, Any]:
        del seconds
        four = [_Proxy(self._cell, self._own, name, self.options.request_timeout) for name in OBJECTS]
        return dict(json.loads(to_json(answer(Admin(*four), from_json(json.dumps(parameters))))))


class _Proxy:
    def __init__(self, cell: Cell, session: Session, name: str, patience: float) -> None:
        self._known = (cell, session, name, patience)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        cell, session, name, patience = self._known
        return lambda *arguments: cell.call(session, name, method, list(arguments), patience)


class WasUnderTest:
    """One cell, and the product's view of it."""

    def __init__(self, options: dict[str, Any], runs_on: str, emulated: Cell | None = None) -> None:
        self.options = options
        self.runs_on = runs_on
        self._emulated = emulated

    @property
    def cell(self) -> Cell:
        """The emulated cell; the test is skipped on a real one."""
        if self._emulated is None:
            pytest.skip("untested: only an emulated cell can be brought into this situation")
        return self._emulated

    def adapter(self, **more: Any) -> Was:
        """A new adapter, as one run of a module has; to be closed."""
        was = Was(WasOptions.of({**self.options, **more}), sleep=_a_moment)
        if self.runs_on == HERE:
            was.session = SessionHere(was.options, self.cell)
        return was

    @property
    def websphere(self) -> dict[str, Any]:
        """relmgmt_websphere for it."""
        return {"kind": "was", "was": self.options}


def _a_moment(_seconds: float) -> None:
    time.sleep(0.05)


@pytest.fixture
def make_was(tmp_path: Path) -> Iterator[Callable[..., WasUnderTest]]:
    """``make_was(runs_on, nodes=…, cluster=…, base=…)``: a new cell, its profile and options."""
    with ExitStack() as stack:

        def make(runs_on: str, **cell: Any) -> WasUnderTest:
            if runs_on == REAL:
                return WasUnderTest(json.loads(os.environ["RELMGMT_WAS"]), REAL)
            emulated = Cell(**cell)
            profile = tmp_path / f"profile{len(list(tmp_path.glob('profile*')))}"
            if runs_on == HERE:
                make_profile(profile, Path("/none"), 0)
            else:
                stack.enter_context(served(emulated, profile, jython(runs_on)))
            return WasUnderTest({"profile": str(profile), **_target(emulated), "start_timeout": 10}, runs_on, emulated)

        yield make


def _target(cell: Cell) -> dict[str, Any]:
    if cell.clusters:
        return {"cluster": next(iter(cell.clusters))}
    servers = [{"node": node, "server": server} for node, state in cell.nodes.items() for server in state.servers]
    return {"servers": servers}
