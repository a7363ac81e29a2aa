# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliver a bundle's packages from the controller to the SFTP drop (options: modules/deliver.py)."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle import load_bundle
from ansible_collections.relmgmt.release.plugins.plugin_utils.delivery_action import OPTIONS, DeliveryAction
from ansible_collections.relmgmt.release.plugins.plugin_utils.parcel import parcel_of
from ansible_collections.relmgmt.release.plugins.plugin_utils.sftp_drop import DROP_OPTIONS


class ActionModule(DeliveryAction):
    """The bundle lies in the drop."""

    spec: ClassVar[dict[str, dict[str, Any]]] = {
        **OPTIONS, "bundle": {"type": "path", "required": True}, "drop": DROP_OPTIONS,
    }

    def deliver(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Keys as modules/deliver.py documents them."""
        del task_vars
        parcel = parcel_of(load_bundle(self._loader.path_dwim(options["bundle"])))
        return self.put(parcel, options["drop"], options)
