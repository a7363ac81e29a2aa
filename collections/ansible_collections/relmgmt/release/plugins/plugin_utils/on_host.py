# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind every module of the collection that works on a managed host.

Three things a plain module call does not do. It fills in change, lease, ledger and phase from
the change cycle that the gate opened. A host that becomes unreachable is a failure like
any other (T38): it can be rescued, the rollout stops, and the rollback plays still run. And
long work goes on in a worker on the host, whose progress is shown.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.relmgmt.release.plugins.plugin_utils.supervised import (
    SUPERVISED,
    WAIT,
    WAIT_VERBOSE,
    Execute,
    Watch,
    supervise,
)

READ_ONLY_OPTIONS = {"release_info": ("ledger",), "page_info": (), "instance_info": (),
                     "backup_set_info": (), "cache_package_info": ("ledger",),
                     "websphere_app_info": ("ledger",), "test_mode_info": ("ledger",)}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Run the module of the same name as the task's action."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The module's result; ``unreachable_host`` is set when the host could not be reached."""
        del tmp
        known = task_vars or {}
        name = self._task.action.rpartition(".")[2]
        # With delegate_to it is the other host's ledger that remembers the work.
        host = self._task.delegate_to or known["inventory_hostname"]
        args = {**cycle_options(name, known, host), **self._task.args}
        return run_on_host(self, name, args, known)


def run_on_host(
    action: Any, name: str, args: dict[str, Any], task_vars: dict[str, Any]
) -> dict[str, Any]:
    """Execute a module of the collection; an unreachable host is a failed result."""

    def execute(given: dict[str, Any]) -> dict[str, Any]:
        return dict(action._execute_module(
            module_name=f"relmgmt.release.{name}", module_args=given, task_vars=task_vars
        ))

    try:
        if name in SUPERVISED:
            return _supervised(action, name, args, task_vars, execute)
        return execute(args)
    except AnsibleConnectionFailure as error:
        cure = "bring it back, then see the summary"
        if name in SUPERVISED:
            cure += "; what was begun there goes on, and the same run again joins it"
        return {
            "failed": True,
            "unreachable_host": True,
            "msg": f"the host cannot be reached: {error}. Cure: {cure}",
        }


def _supervised(
    action: Any, name: str, args: dict[str, Any], task_vars: dict[str, Any], execute: Execute
) -> dict[str, Any]:
    display = Display()
    host = task_vars["inventory_hostname"]
    own = task_vars["hostvars"][host]
    wait = int(own.get("relmgmt_progress_every", WAIT_VERBOSE if display.verbosity else WAIT))
    watch = Watch(host, name, display)
    return supervise(execute, args, watch.show, action._connection.reset, wait)


def cycle_options(name: str, task_vars: dict[str, Any], host: str = "") -> dict[str, Any]:
    """Options that the change cycle gives: ledger, change, lease, phase. The ledger is the host's, else the play's."""
    options: dict[str, Any] = {}
    if "relmgmt_state_dir" in task_vars:
        # hostvars, because variables of a task are not templated yet
        own = task_vars["hostvars"][host or task_vars["inventory_hostname"]]
        options["ledger"] = f"{own['relmgmt_state_dir']}/ledger.db"
    cycle = task_vars.get("gate_cycle")
    if isinstance(cycle, dict) and cycle.get("change"):
        options["change"] = cycle["change"]
        options["lease"] = cycle.get("lease")
        options["phase"] = task_vars.get("phase_name", "")
    wanted = READ_ONLY_OPTIONS.get(name, ("ledger", "change", "lease", "phase"))
    return {key: value for key, value in options.items() if key in wanted and value is not None}
