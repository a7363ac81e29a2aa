# SPDX-License-Identifier: GPL-3.0-or-later
"""From ``relmgmt_instance`` to a view of its engine.

Beside choose.py, so that a module which only looks neither carries nor compiles what changes an instance.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping, TypeVar

from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import EngineView
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

Ports = TypeVar("Ports")


def _gtm(instance: Mapping[str, Any]) -> EngineView:
    from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_engine_view import GtmEngineView

    return GtmEngineView.of(instance)


def _iris(instance: Mapping[str, Any]) -> EngineView:
    from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_engine_view import IrisEngineView

    return IrisEngineView.of(instance)


#: GT.M and YottaDB; Caché, Ensemble and IRIS
VIEWS: Mapping[str, Callable[[Mapping[str, Any]], EngineView]] = {"gtm": _gtm, "iris": _iris}


def open_engine_view(instance: Mapping[str, Any]) -> EngineView:
    """The engine of an instance, to be looked at; nothing is started and nothing is touched."""
    return of_engine(VIEWS, instance)(instance)


def of_engine(known: Mapping[str, Ports], instance: Mapping[str, Any]) -> Ports:
    """What is known under the name of the instance's engine; raises InvalidInput for another name."""
    name = str(instance.get("engine") or "")
    if name not in known:
        raise InvalidInput(
            f"engine {name!r} is not one of {', '.join(sorted(known))}",
            place=f"instance {instance.get('name')}", cure="correct engine in relmgmt_instance",
        )
    return known[name]
