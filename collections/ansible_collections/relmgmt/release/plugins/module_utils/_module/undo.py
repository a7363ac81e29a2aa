# SPDX-License-Identifier: GPL-3.0-or-later
"""Every undo recipe's handler by its kind.

A handler takes the recipe that the ledger kept and a context, is idempotent, and returns
what it observed. Imports are static: nothing found at run time reaches a managed host (T39).
"""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.relmgmt.release.plugins.module_utils._module.cache_package_steps import undo_step
from ansible_collections.relmgmt.release.plugins.module_utils._module.cache_package_undo import (
    undo_cache_items,
    undo_globals,
)
from ansible_collections.relmgmt.release.plugins.module_utils._module.proxy_member import undo_member
from ansible_collections.relmgmt.release.plugins.module_utils._module.restore import (
    others_since,
    undo_datasets,
)
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import UndoContext
from ansible_collections.relmgmt.release.plugins.module_utils._module.static_content import undo_static
from ansible_collections.relmgmt.release.plugins.module_utils._module.web_app import undo_war
from ansible_collections.relmgmt.release.plugins.module_utils._module.web_config import undo_configuration

__all__ = ["UNDO", "UndoContext", "others_since", "undo"]

UNDO: dict[str, Callable[[dict[str, Any], UndoContext], dict[str, Any]]] = {
    "cache_items": undo_cache_items,
    "globals": undo_globals,
    "step": undo_step,
    "datasets": undo_datasets,
    "war": undo_war,
    "configuration": undo_configuration,
    "static": undo_static,
    "proxy_member": undo_member,
}


def undo(act: dict[str, Any], context: UndoContext) -> dict[str, Any]:
    """Undo an act of the ledger; its recipe's ``noted`` is what the act has observed."""
    recipe = act["undo"]
    return UNDO[recipe["kind"]]({**recipe, "noted": act["detail"] or {}}, context)
