# SPDX-License-Identifier: GPL-3.0-or-later
"""From ``relmgmt_instance`` to the two ports of an engine."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._engines.choose_view import of_engine
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_engine import GtmEngine
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_storage import GtmStorage
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_engine import IrisEngine
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_storage import IrisStorage
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import Engine
from ansible_collections.relmgmt.release.plugins.module_utils._engines.storage import Storage


class Ports(NamedTuple):
    """How an engine's ports are opened."""

    engine: Callable[[Mapping[str, Any]], Engine]
    storage: Callable[[Mapping[str, Any]], Storage]


#: GT.M and YottaDB; Caché, Ensemble and IRIS
ENGINES: Dict[str, Ports] = {
    "gtm": Ports(GtmEngine.of, GtmStorage.of),
    "iris": Ports(IrisEngine.of, IrisStorage.of),
}


def open_engine(instance: Mapping[str, Any]) -> Engine:
    """The engine of an instance; nothing is started and nothing is touched."""
    return of_engine(ENGINES, instance).engine(instance)


def open_storage(instance: Mapping[str, Any]) -> Storage:
    """The datasets of an instance as files; nothing is started and nothing is touched."""
    return of_engine(ENGINES, instance).storage(instance)
