# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has learned of its hosts, gathered from the variables its roles registered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._core.progress import in_words
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_holder import FENCED, holders
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_table import rows
from ansible_collections.relmgmt.release.plugins.module_utils._core.verdict import HostReport

AFTERWARDS = ("close", "record")
ENTERING = ("fence_put_up", "test_mode_entered")
LEAVING = "leave_test_mode"
GOING_BACK = ("rollback", LEAVING)
CHANGING = ("install_result", "deploy_configuration_result", "deploy_war_result", "deploy_static_result")


def failures_of(hostvars: Mapping[str, Any], hosts: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """By host, the failures that the role ``phase`` noted in this run."""
    return {name: list(hostvars[name].get("phase_failures") or []) for name in hosts}


def any_failure(hostvars: Mapping[str, Any], hosts: Iterable[str]) -> bool:
    """True when a phase has failed on any host in this run, so that the release must go back.

    Once every host has verified the release, a failure to close or record it is told, but no
    reason to take the release away from its users.
    """
    return any(
        failure["phase"] not in AFTERWARDS
        for failures in failures_of(hostvars, hosts).values()
        for failure in failures
    )


def may_reopen(hostvars: Mapping[str, Any], hosts: Iterable[str]) -> bool:
    """May users come back after a rollback, or after test mode?

    Not while a host could not be put back, nor while one that this run has changed, or may
    have changed, is out of reach: it may serve the wrong release. Nor while one is in test mode or fenced.
    """
    if any(_in_test_mode(hostvars[name], name) for name in hosts):
        return False
    return not any(
        failure["phase"] in GOING_BACK and not (failure["unreachable"] and _stays_as_it_was(hostvars[name], failure))
        for name, failures in failures_of(hostvars, hosts).items()
        for failure in failures
    )


def _in_test_mode(host: Mapping[str, Any], name: str) -> bool:
    """What was seen of it when its fence was taken down, else when the gate looked."""
    seen = host.get("fence_left")
    left = seen if seen and not seen.get("failed") and not seen.get("skipped") else host.get("gate_host")
    return bool(holders({name: left or {}}))


def data_are_back(hostvars: Mapping[str, Any], databases: Iterable[str]) -> bool:
    """False while a database host has failed on its way out of test mode: one's test data may be read through another.

    Until then no fence comes down anywhere (invariant 1).
    """
    return not any(
        failure["phase"] == LEAVING for failures in failures_of(hostvars, databases).values() for failure in failures
    )


def restore_proofs(hostvars: Mapping[str, Any], databases: Iterable[str]) -> list[dict[str, Any]]:
    """That the datasets of every database host in test mode were restored since: [{host, path, root_digest, at}].

    Empty while one of them still lacks its proof: settings elsewhere then stay as they are.
    """
    found = []
    for name in databases:
        result = hostvars[name].get("test_mode_result") or {}
        proof = result.get("restored")
        if proof:
            found.append({**proof, "host": proof.get("host") or name})
        elif result.get("failed", True) or result.get("mode") not in ("off", "", None):
            return []
    return found


def test_mode_rows(hostvars: Mapping[str, Any], hosts: Iterable[str], seen_as: str) -> list[dict[str, str]]:
    """The table of test mode from what the hosts registered as ``seen_as`` (results of ``test_mode_info``)."""
    looks = {name: hostvars[name].get(seen_as) or {} for name in hosts}
    return rows({name: look if "verdict" in look else None for name, look in looks.items()})


def _stays_as_it_was(host: Mapping[str, Any], failure: Mapping[str, Any]) -> bool:
    """A host out of reach that has nothing of this change; leaving test mode has to know what was there before."""
    known = failure["phase"] != LEAVING or "receipts" in (host.get("gate_host") or {})
    return known and _untouched(host)


def _untouched(host: Mapping[str, Any]) -> bool:
    began = any((host.get(name) or {}).get("changed") for name in CHANGING) or _in_force(host)
    began = began or bool(holders({"": host.get("gate_host") or {}}))
    began = began or any(_was_tried(host.get(name)) for name in ENTERING)
    failed = any(f["phase"] in ("install", "deploy") for f in host.get("phase_failures") or [])
    going_back = bool((host.get("gate_cycle") or {}).get("going_back"))
    return not (began or failed or going_back)


def _was_tried(result: Mapping[str, Any] | None) -> bool:
    return bool(result) and not (result or {}).get("skipped")


def _in_force(host: Mapping[str, Any]) -> bool:
    """An earlier run of this change left something to undo."""
    change = (host.get("gate_cycle") or {}).get("change")
    receipts = (host.get("gate_host") or {}).get("receipts", [])
    return any(row["to_undo"] for row in receipts if row["change"] == change)


def last_seen(host: Mapping[str, Any]) -> Mapping[str, Any]:
    """What ``release_info`` said at the end; to the gate, where nothing was to be done since."""
    needed = (host.get("gate_cycle") or {}).get("needed", True)
    return host.get("conclude_state" if needed else "gate_host") or {}


def report(host: Mapping[str, Any], name: str, change: str) -> HostReport:
    """The report of one host, from what was seen of it last."""
    state = last_seen(host)
    receipts = [row for row in state.get("receipts", []) if row["change"] == change]
    result = host.get("rollback_result") or {}
    undone = result.get("error") or result  # a rollback that failed in part says in its error what it did
    head = state.get("audit") or {}
    mode = holders({name: state})
    look = host.get("conclude_test_mode") or {}
    return HostReport(
        name=name,
        reachable="receipts" in state,
        failures=list(host.get("phase_failures") or []),
        receipt=max(receipts, key=lambda row: row["attempt"]) if receipts else None,
        drift=state.get("drift", []),
        current=state.get("current", {}),
        undone=[f"{row['target']}: {row['what']}" for row in undone.get("undone", [])],
        notes=[*undone.get("statements", []), *state.get("notes", [])],
        at_work=[f"{worker['module']} of {worker['change']}, {in_words(worker['progress'])}"
                 for worker in state.get("workers", [])],
        audit=f"{head.get('number', 0)}:{head.get('chain', '')}",
        test_mode=mode[0].state if mode else "",
        held_by=mode[0].words if mode else "",
        look=look if "verdict" in look else None,
        ends_at=_ends_at(state) if mode and mode[0].state != FENCED else 0.0,
    )


def _ends_at(state: Mapping[str, Any]) -> float:
    return float((state.get("test_mode") or {}).get("ends_at") or 0.0)
