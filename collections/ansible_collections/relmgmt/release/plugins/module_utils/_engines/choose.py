# SPDX-License-Identifier: GPL-3.0-or-later
"""From ``relmgmt_instance`` to an engine. Iris (Caché and IRIS) comes here later."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_engine import GtmEngine
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import Engine
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

ENGINES = {"gtm": GtmEngine}


def open_engine(instance: Mapping[str, Any]) -> Engine:
    """The engine of an instance; nothing is started and nothing is touched."""
    name = str(instance.get("engine") or "")
    if name not in ENGINES:
        raise InvalidInput(
            f"engine {name!r} is not one of {', '.join(sorted(ENGINES))}",
            place=f"instance {instance.get('name')}", cure="correct engine in relmgmt_instance",
        )
    return ENGINES[name].of(instance)
