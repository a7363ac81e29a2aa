# SPDX-License-Identifier: GPL-3.0-or-later
"""The code of a Caché, Ensemble or IRIS instance behind the port's view."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, TypeVar

from ansible_collections.relmgmt.release.plugins.module_utils._core.items import Item
from ansible_collections.relmgmt.release.plugins.module_utils._engines import iris_items
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_options import IrisOptions
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_terminal import IrisTerminal
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import EngineView

Self = TypeVar("Self", bound="IrisEngineView")


class IrisEngineView(EngineView):
    """One instance, looked at; ``terminal`` runs its programs."""

    def __init__(self, terminal: IrisTerminal) -> None:
        self.terminal = terminal

    @classmethod
    def of(cls: "type[Self]", instance: Mapping[str, Any]) -> Self:
        """From ``relmgmt_instance``."""
        return cls(IrisTerminal(IrisOptions.of(instance)))

    def read_items(self, names: List[str]) -> Dict[str, Item]:
        return {name: live.as_item() for name, live in iris_items.read(self.terminal, names).items()}
