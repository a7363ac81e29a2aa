# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a change cycle over all hosts, from what ``release_info`` said of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STATE_VARIABLE = "gate_host"


def states(task_vars: Mapping[str, Any], change: str) -> dict[str, dict[str, Any]]:
    """By host: what ``release_info`` returned, with ``receipt`` set to the change's newest one."""
    found = {}
    for name in task_vars["ansible_play_hosts_all"]:
        state = dict(task_vars["hostvars"][name].get(STATE_VARIABLE) or {})
        receipts = [row for row in state.get("receipts", []) if row["change"] == change]
        state["receipt"] = max(receipts, key=lambda row: row["attempt"]) if receipts else None
        done = [row for row in state.get("receipts", []) if row["verdict"] == "done"]
        newest = max(done, key=lambda row: row["closed_at"], default=None)
        state["superseded"] = newest is not None and newest["change"] != change
        found[name] = state
    return found


def finished(hosts: Mapping[str, Mapping[str, Any]], digest: str) -> bool:
    """Every host has closed this change as done, with this bundle, and shows no drift."""
    return bool(hosts) and all(
        (receipt := state.get("receipt")) is not None
        and receipt["verdict"] == "done"
        and receipt["bundle_digest"] == digest
        and not state.get("drift")
        and not state.get("superseded")
        for state in hosts.values()
    )


def newest_attempt(hosts: Mapping[str, Mapping[str, Any]]) -> int:
    """The newest attempt on any host, 0 when there was none."""
    return max((state["receipt"]["attempt"] for state in hosts.values() if state.get("receipt")), default=0)


def attempt_for(hosts: Mapping[str, Mapping[str, Any]]) -> int:
    """The attempt to carry out: an open one goes on, otherwise the next number."""
    newest = newest_attempt(hosts)
    open_ones = [
        state["receipt"]["attempt"] for state in hosts.values()
        if state.get("receipt") and state["receipt"]["state"] == "open"
    ]
    return newest if newest in open_ones else newest + 1


def to_go_back(state: Mapping[str, Any]) -> bool:
    """Has a rollback something to do on this host?"""
    receipt = state.get("receipt")
    if receipt is None:
        return False
    settled = receipt["state"] == "closed" and receipt["verdict"] in ("rolled_back", "not_started")
    return bool(receipt["to_undo"] > 0 or not settled)


def unverified(hosts: Mapping[str, Mapping[str, Any]], change: str) -> list[str]:
    """Hosts on which the change was not verified since its newest act."""
    return [name for name, state in hosts.items() if not _is_verified(state, change)]


def _is_verified(state: Mapping[str, Any], change: str) -> bool:
    for act in state.get("acts", []):
        if act["change"] == change and act["module"] == "verify" and act["outcome"] == "done":
            return True
        if act["change"] == change and act["can_be_undone"] and not act["undone"]:
            return False
    return False


#: what these did is taken back server by server, and nobody has to be kept out for it
WEB_MODULES = frozenset(("proxy_member", "static_content", "websphere_app", "websphere_config"))


def needs_outage(hosts: Mapping[str, Mapping[str, Any]]) -> bool:
    """Going back: does anything but the web tier go back, or is it not known of a host?"""
    return any(
        "receipts" not in state or not WEB_MODULES.issuperset((state.get("receipt") or {}).get("in_force", {}))
        for state in hosts.values()
    )
