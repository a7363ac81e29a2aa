# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters over ``hostvars``: where a change cycle stands in this run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.relmgmt.release.plugins.plugin_utils import reports


def first_reachable(hosts: list[str], hostvars: Mapping[str, Any]) -> str:
    """The first host that answered; the first of all when none did."""
    answered = [name for name in hosts if "receipts" in (hostvars[name].get("gate_host") or {})]
    return (answered or hosts)[0]


def failure_note(result: Mapping[str, Any], phase: str, task: str) -> dict[str, Any]:
    """What the summary and the rollback need of a failed task's result."""
    failed = [item for item in result.get("results", []) if item.get("failed")] or [result]
    return {
        "phase": phase,
        "task": task,
        "message": "\n".join(str(item.get("msg", "")) for item in failed),
        "unreachable": any(item.get("unreachable_host") for item in failed),
    }


def proxies_of(hostvars: Mapping[str, Any], server: str) -> list[str]:
    """The hosts whose proxy has the server among its members, in the inventory's order."""
    return [name for name in hostvars
            if server in ((hostvars[name].get("relmgmt_proxy") or {}).get("members") or {})]


def to_roll_out(hostvars: Mapping[str, Any], servers: list[str], digests: list[str], change: str) -> list[str]:
    """Those of the servers that have to be changed, looked at or put back, by what the gate saw of the hosts."""
    return [name for name in servers
            if _differs(_seen(hostvars, name), digests) or _is_left_out(hostvars, name, change)]


def _seen(hostvars: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return hostvars[name].get("gate_host") or {}


def _differs(state: Mapping[str, Any], digests: list[str]) -> bool:
    """The host lacks one of the packages, or is not known to be right."""
    current = {row["digest"] for row in (state.get("current") or {}).values()}
    return bool(state.get("drift")) or not current.issuperset(digests) or _was_cut_off(state)


def _is_left_out(hostvars: Mapping[str, Any], server: str, change: str) -> bool:
    """A run of this change was cut off while the server was out of a proxy."""
    return any(
        f"member:{server}" in row["in_force"].get("proxy_member", [])
        for proxy in proxies_of(hostvars, server)
        for row in _seen(hostvars, proxy).get("receipts", []) if row["change"] == change
    )


def _was_cut_off(state: Mapping[str, Any]) -> bool:
    """The host was changed, and nobody has looked at it since."""
    for act in state.get("acts", []):
        if act["module"] == "verify" and act["outcome"] == "done":
            return False
        if act["can_be_undone"] and not act["undone"]:
            return True
    return False


AT_A_TIME = "relmgmt_at_a_time_"


def batch(groups: Iterable[str]) -> int:
    """How many servers are changed at a time: a play's ``serial`` sees no host's variables, but groups.

    What is no number counts as 1: the gate refuses it, but the way back goes on (invariant 14).
    """
    given = next((name[len(AT_A_TIME):] for name in groups if name.startswith(AT_A_TIME)), "")
    return int(given) if given.isdecimal() else 1


class FilterModule:
    """The filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {
            "batch": batch,
            "failed_anywhere": lambda hostvars: reports.any_failure(hostvars, list(hostvars)),
            "may_reopen": lambda hostvars: reports.may_reopen(hostvars, list(hostvars)),
            "data_are_back": reports.data_are_back,
            "restore_proofs": reports.restore_proofs,
            "failure_note": failure_note,
            "first_reachable": first_reachable,
            "proxies_of": proxies_of,
            "test_mode_rows": reports.test_mode_rows,
            "to_roll_out": to_roll_out,
        }
