# SPDX-License-Identifier: GPL-3.0-or-later
"""Put what runs now into the drop of the previous environment (options: modules/deliver_prior.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.relmgmt.release.plugins.plugin_utils.delivery_action import OPTIONS, DeliveryAction
from ansible_collections.relmgmt.release.plugins.plugin_utils.prior_packages import prior_bundles, prior_parcel
from ansible_collections.relmgmt.release.plugins.plugin_utils.sftp_drop import DROP_OPTIONS, open_drop

GROUPS = ("application_servers", "web_servers")


class ActionModule(DeliveryAction):
    """The set of every bundle that the web tier runs lies in the other drop, too."""

    spec: ClassVar[dict[str, dict[str, Any]]] = {
        **OPTIONS, "bundle": {"type": "str", "required": True},
        "drop": DROP_OPTIONS, "previous_drop": DROP_OPTIONS,
    }

    def deliver(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Keys as modules/deliver_prior.py documents them."""
        priors = prior_bundles(_states(task_vars), options["bundle"])
        if not priors:
            return {"changed": False, "sets": [], "msg": "the web tier runs nothing that the release would replace"}
        with open_drop(options["drop"], options["timeout"]) as origin:
            parcels = [prior_parcel(origin, options["drop"]["path"], prior) for prior in priors]
            sets = [self.put(parcel, options["previous_drop"], options) for parcel in parcels]
        differences = [one.pop("diff") for one in sets if "diff" in one]
        result = {"changed": any(one["changed"] for one in sets), "sets": sets,
                  "msg": ", ".join(parcel.folder for parcel in parcels)}
        return {**result, "diff": differences} if differences else result

    def tell(self, result: dict[str, Any], task_vars: dict[str, Any]) -> None:
        """The delivery that follows tells how it went; without it, this one's failure is the run's."""
        if result.get("failed"):
            super().tell(result, task_vars)


def _states(task_vars: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the hosts of the web tier said when the play before asked them."""
    names = [name for group in GROUPS for name in task_vars["groups"].get(group, [])]
    return {name: dict(task_vars["hostvars"][name].get("deliver_host") or {}) for name in names}
