# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind every module of the collection that works on a managed host.

Two things a plain module call does not do. It fills in change, lease, ledger and phase from
the change cycle that the gate opened. And a host that becomes unreachable is a failure like
any other (T38): it can be rescued, the rollout stops, and the rollback plays still run.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

READ_ONLY_OPTIONS = {"release_info": ("ledger",), "page_info": (), "instance_info": (),
                     "backup_set_info": (), "cache_package_info": ("ledger",),
                     "websphere_app_info": ("ledger",)}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Run the module of the same name as the task's action."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The module's result; ``unreachable_host`` is set when the host could not be reached."""
        del tmp
        known = task_vars or {}
        name = self._task.action.rpartition(".")[2]
        args = {**cycle_options(name, known), **self._task.args}
        return run_on_host(self, name, args, known)


def run_on_host(
    action: Any, name: str, args: dict[str, Any], task_vars: dict[str, Any]
) -> dict[str, Any]:
    """Execute a module of the collection; an unreachable host is a failed result."""
    try:
        result = action._execute_module(
            module_name=f"relmgmt.release.{name}", module_args=args, task_vars=task_vars
        )
    except AnsibleConnectionFailure as error:
        return {
            "failed": True,
            "unreachable_host": True,
            "msg": f"the host cannot be reached: {error}. Cure: bring it back, then see the summary",
        }
    return dict(result)


def cycle_options(name: str, task_vars: dict[str, Any]) -> dict[str, Any]:
    """Options that the change cycle gives: ledger, change, lease, phase."""
    options: dict[str, Any] = {}
    if "relmgmt_state_dir" in task_vars:
        # hostvars, because variables of a task are not templated yet
        own = task_vars["hostvars"][task_vars["inventory_hostname"]]
        options["ledger"] = f"{own['relmgmt_state_dir']}/ledger.db"
    cycle = task_vars.get("gate_cycle")
    if isinstance(cycle, dict) and cycle.get("change"):
        options["change"] = cycle["change"]
        options["lease"] = cycle.get("lease")
        options["phase"] = task_vars.get("phase_name", "")
    wanted = READ_ONLY_OPTIONS.get(name, ("ledger", "change", "lease", "phase"))
    return {key: value for key, value in options.items() if key in wanted and value is not None}
