# SPDX-License-Identifier: GPL-3.0-or-later
"""Caché, Ensemble and IRIS behind the engine port: code and data lie in the datasets."""

from __future__ import annotations

from typing import List, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._core import iris_items as names_of
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import (
    CompileError,
    GlobalChange,
    Item,
    Node,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.objectscript import check_global
from ansible_collections.relmgmt.release.plugins.module_utils._engines import (
    iris_call,
    iris_globals,
    iris_items,
    iris_preimages,
    iris_view,
)
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_engine_view import IrisEngineView
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import (
    Attached,
    Called,
    Engine,
    InstanceInfo,
    Written,
)


class IrisEngine(IrisEngineView, Engine):
    """One instance; ``terminal`` runs its programs."""

    engine = "iris"
    loadable = names_of.TYPES
    code_in_datasets = True

    def info(self) -> InstanceInfo:
        return iris_view.info(self.terminal)

    def attached(self) -> Attached:
        return iris_view.attached(self.terminal)

    def home_of(self, name: str) -> str:
        return names_of.home_of(name)

    def check_global_name(self, name: str) -> None:
        check_global(name)

    def check_items(self, items: List[Item]) -> List[CompileError]:
        """Nothing can be compiled aside; that the instance sees exactly these items can be."""
        iris_items.check(self.terminal, items)
        return []

    def load_items(self, items: List[Item], removes: List[str]) -> Written:
        iris_view.require_changeable(self.terminal)
        pids = [iris_items.load(self.terminal, items)]
        failpoint("package.compiled")
        pids.append(iris_items.remove(self.terminal, removes))
        return Written(tuple(item.name for item in items) + tuple(removes), _known(*pids))

    def save_items(self, names: List[str], directory: str) -> None:
        iris_preimages.save(self.terminal, names, directory)

    def put_back_items(self, names: List[str], directory: str) -> Written:
        iris_view.require_changeable(self.terminal)
        changed, pid = iris_preimages.put_back(self.terminal, names, directory)
        return Written(changed, _known(pid))

    def read_global(self, name: str) -> List[Node]:
        return iris_globals.read_global(self.terminal, name)

    def read_nodes(self, name: str, subscripts: List[Tuple[str, ...]]) -> List[Node]:
        return iris_globals.read_nodes(self.terminal, name, subscripts)

    def write_globals(self, changes: List[GlobalChange]) -> Written:
        iris_view.require_changeable(self.terminal)
        pid = iris_globals.write(self.terminal, changes)
        return Written(tuple(change.name for change in changes), _known(pid))

    def call(self, entry: str, arguments: List[str], timeout: float) -> Called:
        iris_view.require_changeable(self.terminal)
        return iris_call.call(self.terminal, entry, arguments, timeout)


def _known(*pids: int) -> Tuple[int, ...]:
    return tuple(pid for pid in pids if pid)
