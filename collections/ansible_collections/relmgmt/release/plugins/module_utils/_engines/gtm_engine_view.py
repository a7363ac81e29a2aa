# SPDX-License-Identifier: GPL-3.0-or-later
"""The routines of a GT.M instance behind the port's view."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, TypeVar

from ansible_collections.relmgmt.release.plugins.module_utils._backup.fence import refuse_half_restored
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import Item
from ansible_collections.relmgmt.release.plugins.module_utils._engines import gtm_items
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import EngineView

Self = TypeVar("Self", bound="GtmEngineView")


class GtmEngineView(EngineView):
    """One GT.M instance, looked at; ``instance`` runs its programs."""

    def __init__(self, instance: GtmInstance) -> None:
        self.instance = instance

    @classmethod
    def of(cls: "type[Self]", instance: Mapping[str, Any]) -> Self:
        """From ``relmgmt_instance``; refused while a restore of the instance is unfinished."""
        found = GtmInstance.of(instance)
        refuse_half_restored(found.global_directory)
        return cls(found)

    def read_items(self, names: List[str]) -> Dict[str, Item]:
        return gtm_items.read(self.instance, names)
