# SPDX-License-Identifier: GPL-3.0-or-later
"""GT.M behind the engine port: routines are files, globals lie in the datasets."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator, List, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.items import (
    CompileError,
    GlobalChange,
    Item,
    Node,
)
from ansible_collections.relmgmt.release.plugins.module_utils._engines import (
    gtm_call,
    gtm_globals,
    gtm_items,
    gtm_preimages,
    gtm_view,
)
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_engine_view import GtmEngineView
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import (
    Attached,
    Called,
    Engine,
    InstanceInfo,
    Written,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError


class GtmEngine(GtmEngineView, Engine):
    """One GT.M instance; ``instance`` runs its programs."""

    engine = "gtm"
    loadable = gtm_items.TYPES
    code_in_datasets = False

    def info(self) -> InstanceInfo:
        return gtm_view.info(self.instance)

    def attached(self) -> Attached:
        return gtm_view.attached(self.instance)

    def home_of(self, name: str) -> str:
        return gtm_items.home_of(name)

    def check_global_name(self, name: str) -> None:
        gtm_globals.check_name(name)

    def check_items(self, items: List[Item]) -> List[CompileError]:
        return gtm_items.check(self.instance, items)

    def load_items(self, items: List[Item], removes: List[str]) -> Written:
        with _disk(self.instance.source_directory):
            gtm_items.load(self.instance, items, removes)
        return Written(tuple(item.name for item in items) + tuple(removes))

    def save_items(self, names: List[str], directory: str) -> None:
        with _disk(directory):
            gtm_preimages.save(self.instance, names, directory)

    def put_back_items(self, names: List[str], directory: str) -> Written:
        with _disk(self.instance.source_directory):
            return Written(gtm_preimages.put_back(self.instance, names, directory))

    def read_global(self, name: str) -> List[Node]:
        return gtm_globals.read_global(self.instance, name)

    def read_nodes(self, name: str, subscripts: List[Tuple[str, ...]]) -> List[Node]:
        return gtm_globals.read_nodes(self.instance, name, subscripts)

    def write_globals(self, changes: List[GlobalChange]) -> Written:
        pid = gtm_globals.write(self.instance, changes)
        return Written(tuple(change.name for change in changes), (pid,))

    def check_entry(self, entry: str) -> None:
        gtm_call.check_entry(entry)

    def call(self, entry: str, arguments: List[str], timeout: float) -> Called:
        return gtm_call.call(self.instance, entry, arguments, timeout)


@contextmanager
def _disk(place: str) -> Iterator[None]:
    """An error of the file system is an error of the engine that names its place and cure."""
    try:
        yield
    except OSError as error:
        raise EngineError(
            f"{error.strerror or error}", place=error.filename or place,
            cure="see to space and permissions there, then run again",
        ) from error
