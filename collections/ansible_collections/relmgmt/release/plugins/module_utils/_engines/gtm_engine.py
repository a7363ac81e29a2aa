# SPDX-License-Identifier: GPL-3.0-or-later
"""GT.M behind the engine port: routines are files, globals lie in the datasets."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.items import (
    CompileError,
    GlobalChange,
    Item,
    Node,
)
from ansible_collections.relmgmt.release.plugins.module_utils._engines import gtm_globals, gtm_items, gtm_preimages
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import (
    Attached,
    Engine,
    InstanceInfo,
    Written,
)


class GtmEngine(Engine):
    """One GT.M instance; ``instance`` runs its programs."""

    engine = "gtm"
    loadable = gtm_items.TYPES
    code_in_datasets = False

    def __init__(self, instance: GtmInstance) -> None:
        self.instance = instance

    @classmethod
    def of(cls, instance: Mapping[str, Any]) -> "GtmEngine":
        """From ``relmgmt_instance``."""
        return cls(GtmInstance.of(instance))

    def info(self) -> InstanceInfo:
        return self.instance.info()

    def attached(self) -> Attached:
        return self.instance.attached()

    def home_of(self, name: str) -> str:
        return gtm_items.home_of(name)

    def check_global_name(self, name: str) -> None:
        gtm_globals.check_name(name)

    def read_items(self, names: List[str]) -> Dict[str, Item]:
        return gtm_items.read(self.instance, names)

    def check_items(self, items: List[Item]) -> List[CompileError]:
        return gtm_items.check(self.instance, items)

    def load_items(self, items: List[Item], removes: List[str]) -> Written:
        gtm_items.load(self.instance, items, removes)
        return Written(tuple(item.name for item in items) + tuple(removes))

    def save_items(self, names: List[str], directory: str) -> None:
        gtm_preimages.save(self.instance, names, directory)

    def put_back_items(self, names: List[str], directory: str) -> Written:
        return Written(gtm_preimages.put_back(self.instance, names, directory))

    def read_global(self, name: str) -> List[Node]:
        return gtm_globals.read_global(self.instance, name)

    def read_nodes(self, name: str, subscripts: List[Tuple[str, ...]]) -> List[Node]:
        return gtm_globals.read_nodes(self.instance, name, subscripts)

    def write_globals(self, changes: List[GlobalChange]) -> Written:
        pid = gtm_globals.write(self.instance, changes)
        return Written(tuple(change.name for change in changes), (pid,))
