# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory says, whatever plays, facts and extra variables say on top of it.

The gate's policy must come from the inventory: ``-e relmgmt_policy=...`` must not get
round a gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.template import Templar
from ansible.vars.manager import VariableManager

from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

POLICY = ("relmgmt_environment", "relmgmt_sandbox", "relmgmt_protected", "relmgmt_policy", "relmgmt_interfaces",
          "relmgmt_test_mode")


def inventory_values(task_vars: Mapping[str, Any], host: str, loader: Any) -> dict[str, Any]:
    """The variables of POLICY as a host's inventory has them; those it does not have are left out."""
    inventory = task_vars["hostvars"]._inventory
    manager = VariableManager(loader=loader, inventory=inventory)
    # No public way leaves extra variables out; they are loaded by the constructor.
    manager._extra_vars = {}
    found = manager.get_vars(host=inventory.get_host(host), include_hostvars=False)
    templar = Templar(loader=loader, variables=found)
    return {name: templar.template(found[name]) for name in POLICY if name in found}


def demand(values: Mapping[str, Any], name: str) -> Any:
    """A variable of the inventory that must be there."""
    if name not in values:
        raise InvalidInput(f"the inventory does not say {name}", place="inventory",
                           cure=f"set {name} in group_vars/all of the environment")
    return values[name]
