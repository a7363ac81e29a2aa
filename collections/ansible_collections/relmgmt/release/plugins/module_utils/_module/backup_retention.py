# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of ``backup_retention``: old backup sets of an instance are removed, those that may be needed stay."""

from __future__ import annotations

import datetime
import os
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._backup import removing
from ansible_collections.relmgmt.release.plugins.module_utils._backup.set_manifest import read_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.verify import find_sets, verify_set
from ansible_collections.relmgmt.release.plugins.module_utils._core.retention import BackupSet, why_kept
from ansible_collections.relmgmt.release.plugins.module_utils._engines.choose import open_storage
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._module.acts import to_undo
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome

_UNKNOWN = "the ledger of this host does not know it"


class _Plan(NamedTuple):
    """What stays and why, what goes, what a crash left of an earlier removal."""

    kept: Dict[str, str]
    goes: List[str]
    half_removed: List[str]


def retain(host: Host) -> Outcome:
    """The newest good sets of an instance are there, older ones are not."""
    keep, root = host.params["keep_releases"], host.params["root"].rstrip("/")
    if keep < 1:
        raise InvalidInput(f"keep_releases is {keep}", "relmgmt_keep_backup_sets", "keep at least 1")
    # It belongs to closing a cycle, which needs the lease alone: the window may be over by then.
    host.guard(going_back=True, in_test_mode=False)
    found = _found(host, root)
    plan = _plan(root, host.params["instance"]["name"], found, keep)
    record: Dict[str, Any] = {
        "removed": plan.goes + plan.half_removed, "problems": [],
        "kept": [{"path": path, "why": why} for path, why in sorted(plan.kept.items())],
    }
    if record["removed"] and not host.check_mode:
        _remove(host, plan, found, record)
    return _outcome(plan, record)


def _outcome(plan: _Plan, record: Dict[str, Any]) -> Outcome:
    stay = [f"{path} ({why})" for path, why in sorted(plan.kept.items())]
    before = "".join(f"{line}\n" for line in sorted([*stay, *plan.goes, *plan.half_removed]))
    after = "".join(f"{line}\n" for line in stay)
    gone = len(record["removed"])
    if record["problems"]:
        record["warnings"] = [f"backup_retention: {problem}" for problem in record["problems"]]
    return Outcome(bool(gone), record, before, after, f"{gone} removed, {len(stay)} kept")


def _plan(root: str, instance: str, found: List[BackupSet], keep: int) -> _Plan:
    kept = why_kept(found, keep)
    goes = [one.path for one in sorted(found, key=lambda one: one.taken_at) if one.path not in kept]
    return _Plan(kept, goes, removing.half_removed(root, instance))


def _found(host: Host, root: str) -> List[BackupSet]:
    """Every set of the instance below the root; the newest are read whole first if that is asked for."""
    points = {point["path"]: point for point in host.ledger.points(instance=host.params["instance"]["name"])}
    needed = _needed(host)
    sets = [_looked_at(path, points.get(path), needed) for path in find_sets(root)[0] if _is_of(host, root, path)]
    return _read(host, sets) if host.params["verify"] else sets


def _is_of(host: Host, root: str, path: str) -> bool:
    parts = os.path.relpath(path, root).split(os.sep)
    return len(parts) == 4 and parts[2] == host.params["instance"]["name"]


def _looked_at(path: str, point: Optional[Dict[str, Any]], needed: "_Needed") -> BackupSet:
    try:
        manifest = read_manifest(path)
    except RelmgmtError as error:
        change, attempt = _attempt_of(path)
        return BackupSet(path, change, attempt, 0.0, error.message, "", needed.by(path, change))
    known = point is not None and point["root_digest"] == manifest.root_digest
    base = os.path.normpath(os.path.join(path, manifest.base.path)) if manifest.base else ""
    taken = datetime.datetime.fromisoformat(manifest.taken_at).timestamp()
    return BackupSet(
        path, manifest.change, manifest.attempt, taken, "" if known else _UNKNOWN, base,
        needed.by(path, manifest.change),
    )


def _attempt_of(path: str) -> Tuple[str, int]:
    change, _dash, number = path.split(os.sep)[-3].rpartition("-")
    return change, int(number) if number.isdigit() else 0


def _read(host: Host, sets: List[BackupSet]) -> List[BackupSet]:
    """The sets again, with those in doubt that are damaged; no more are read than have to stay as the newest."""
    newest_first = sorted(sets, key=lambda one: one.taken_at, reverse=True)
    doubtful = {one.of for one in sets if one.doubt}
    damage: Dict[str, str] = {}
    good = 0
    for attempt in dict.fromkeys(one.of for one in newest_first if one.of not in doubtful):
        if good == host.params["keep_releases"]:
            break
        found = {one.path: _damage(host, one.path) for one in newest_first if one.of == attempt}
        damage.update(found)
        good += not any(found.values())
    return [one._replace(doubt=one.doubt or damage.get(one.path, "")) for one in newest_first]


def _damage(host: Host, path: str) -> str:
    try:
        verify_set(path, host.progress)
    except (RelmgmtError, OSError) as error:
        return str(error)
    return ""


class _Needed(NamedTuple):
    """Changes that may still go back, and the set whose restore a crash has cut off."""

    changes: Set[str]
    unfinished: str

    def by(self, path: str, change: str) -> str:
        """Who needs a set, "" if nobody does."""
        if path == self.unfinished:
            return "a restore of it is not finished"
        return f"{change} may still go back to it" if change in self.changes else ""


def _needed(host: Host) -> _Needed:
    left = open_storage(host.params["instance"]).unfinished()
    return _Needed(_may_go_back(host.ledger), str(left["path"]).rstrip("/") if left else "")


def _may_go_back(ledger: Ledger) -> Set[str]:
    """Changes whose cycle is open, and the newest one that is in force."""
    changes = {receipt["change"] for receipt in ledger.receipts() if receipt["state"] == "open"}
    for act in ledger.acts():
        if to_undo(ledger, act["change"]):
            changes.add(act["change"])
            break
    return changes


def _remove(host: Host, plan: _Plan, found: List[BackupSet], record: Dict[str, Any]) -> None:
    target = f"{host.params['instance']['name']}:backup sets"
    with host.act("backup_retention", target, {"removes": record["removed"]}, {}) as act:
        record["removed"] = []
        for path in plan.half_removed:
            _end(host, path, record)
        for path in plan.goes:
            if _take_name(path, record):
                _end(host, path, record)
        act.note(removed=list(record["removed"]), problems=list(record["problems"]))


def _take_name(path: str, record: Dict[str, Any]) -> bool:
    try:
        removing.take_name(path)
    except (RelmgmtError, OSError) as error:
        record["problems"].append(f"{path} stays: {error}")
        return False
    return True


def _end(host: Host, path: str, record: Dict[str, Any]) -> None:
    host.ledger.drop_point(path)
    try:
        removing.finish(path)
    except OSError as error:
        record["problems"].append(f"what is left of {path} stays: {error}")
        return
    record["removed"].append(path)
