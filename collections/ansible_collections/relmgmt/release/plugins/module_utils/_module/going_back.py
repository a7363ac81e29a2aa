# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ``rollback``: everything a change did on this host is undone, newest first."""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.going_back import (
    ITEMS,
    RESTORE,
    Way,
    choose_way,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import Refused, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._module.acts import can_be_undone, to_undo
from ansible_collections.relmgmt.release.plugins.module_utils._module.restore import require_fence
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome
from ansible_collections.relmgmt.release.plugins.module_utils._module.undo import (
    UNDO,
    UndoContext,
    others_since,
    undo,
)

#: what may have changed data; a step may do anything
DATA_KINDS = ("globals", "step")
#: an act of these keeps all of what it found: going back to an older one's goes back over it
WHOLE_KINDS = ("war", "static")


class Plan(NamedTuple):
    """How a host goes back: the acts newest first, and for its datasets the way and the point."""

    acts: list[dict[str, Any]]
    way: Way
    point: dict[str, Any] | None


def go_back(host: Host) -> Outcome:
    """Undo every act of the change; a failure does not stop the others and is told at the end."""
    _check(host)
    plan = _plan(host)
    names = [f"{act['target']} ({act['module']}): {_what(act)}" for act in plan.acts]
    record: dict[str, Any] = {
        "undone": [_row(act) for act in plan.acts],
        "way": plan.way.way, "statements": _statements(plan),
    }
    if not host.check_mode:
        failed = _carry_out(host, plan, record)
        if failed:
            raise RelmgmtError(
                "not everything could be undone: " + "; ".join(failed), place=host.ledger.path,
                cure="mend the cause, then run playbooks/rollback.yml again: it goes on where it stopped",
                **record,
            )
    return Outcome(bool(plan.acts), record, before="".join(f"{name}\n" for name in names), message=plan.way.reason)


def _row(act: dict[str, Any]) -> dict[str, str]:
    return {"target": act["target"], "module": act["module"], "what": _what(act)}


def _what(act: dict[str, Any]) -> str:
    """What the act has changed, or meant to."""
    intent = act["intent"]
    intended = [*intent.get("loads", []), *intent.get("removes", []), *intent.get("globals", [])]
    intended += [intent["step"]] if "step" in intent else []
    names = (act["detail"] or {}).get("names") or intended
    return ", ".join(names) or str(act["release"])


def _check(host: Host) -> None:
    change, ledger = host.params["change"], host.ledger
    newer = _newer_change(host)
    if newer:
        raise Refused(
            f"{newer} was carried out on this host after {change} and is still in force",
            place=ledger.path, cure=f"roll back {newer} first",
        )
    if to_undo(ledger, change):
        host.guard(going_back=True)


def _newer_change(host: Host) -> str:
    """Another change with acts in force that began after this one's newest act."""
    change, ledger = host.params["change"], host.ledger
    own = max((act["id"] for act in to_undo(ledger, change)), default=None)
    if own is None:
        return ""
    for act in ledger.acts():
        if act["id"] < own:
            break
        if act["change"] != change and can_be_undone(act) and act["undone_at"] is None:
            return str(act["change"])
    return ""


def _plan(host: Host) -> Plan:
    left_out = host.params["leave"]
    acts = [act for act in to_undo(host.ledger, host.params["change"]) if act["undo"]["kind"] not in left_out]
    data = [act for act in acts if act["undo"]["kind"] in DATA_KINDS]
    point = _point(host, data)
    others, unknown = None, ""
    if data and point is not None:
        writes = others_since(point, data[0]["undo"], _writers(acts))
        others, unknown = writes.others, writes.unknown
    person = host.params["lose_writes_confirmed_by"]
    way = choose_way(bool(data), others, point is not None, person, unknown, host.params["in_use"])
    return Plan(acts, way, point)


def _point(host: Host, data: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The verified point ``before`` of the oldest attempt that changed data."""
    if not data:
        return None
    attempt = data[-1]["attempt"]
    for point in host.ledger.points(host.params["change"]):
        if point["attempt"] == attempt and point["point"] == "before":
            return point
    return None


def _writers(acts: list[dict[str, Any]]) -> list[int]:
    """Process ids of the release's own writers, as the acts noted them."""
    return [pid for act in acts for pid in (act["detail"] or {}).get("writer_pids", [])]


def _carry_out(host: Host, plan: Plan, record: dict[str, Any]) -> list[str]:
    context = UndoContext(host.tmpdir, host.state_dir, host.progress)
    failed = []
    record["undone"] = []  # from here on what was undone, not what is to be
    if plan.way.way == RESTORE and plan.point is not None:
        try:
            require_fence(host)
            record["datasets"] = _restore(host, plan.acts, plan.point, context)
            context = context._replace(restored=plan.point["instance"])
        except RelmgmtError as error:
            failed.append(f"the datasets: {error}")
    left = _undo_all(host, plan.acts, context, record)
    if left and record["undone"]:
        # An application may need the configuration that only an older act's undo has brought back.
        left = _undo_all(host, [act for act, _error in left], context, record)
    return failed + [f"{act['target']}: {error}" for act, error in left]


def _undo_all(
    host: Host, acts: list[dict[str, Any]], context: UndoContext, record: dict[str, Any]
) -> list[tuple[dict[str, Any], str]]:
    """Undo each; returns those that could not be, and why. What stands on a newer act of its target waits for that."""
    left: list[tuple[dict[str, Any], str]] = []
    for act in acts:
        whole = act["undo"]["kind"] in WHOLE_KINDS
        newer = [other for other, _error in left if other["target"] == act["target"]]
        if newer and not whole:
            left.append((act, "it waits until what came after it has been undone"))
            continue
        try:
            detail = undo(act, context)
        except Exception as error:  # whatever it is, the others go back
            left.append((act, _why(error)))
            continue
        host.ledger.undo_act(act["id"], detail)
        record["undone"].append(_row(act))
        record["statements"] += _statements_of(act, detail)
        for other in newer:
            host.ledger.undo_act(other["id"], {"superseded_by": act["id"]})
        left = [row for row in left if row[0] not in newer]
    return left


def _why(error: Exception) -> str:
    known = isinstance(error, (RelmgmtError, OSError))
    return str(error) if known else f"unexpected {type(error).__name__}: {error}"


def _restore(
    host: Host, acts: list[dict[str, Any]], point: dict[str, Any], context: UndoContext
) -> dict[str, Any]:
    """Bring the datasets of the point back; an act of its own, with intent and outcome."""
    data = next(act for act in acts if act["undo"]["kind"] in DATA_KINDS)
    recipe = {
        **data["undo"], "kind": "datasets", "path": point["path"], "since": point["taken_at"],
        "writer_pids": _writers(acts), "confirmed_by": host.params["lose_writes_confirmed_by"],
    }
    with host.act("restore", f"{point['instance']}:{point['point']}", {"path": point["path"]}, {}) as act:
        seen = UNDO["datasets"](recipe, context)
        act.note(**seen)
    return seen


def _statements_of(act: dict[str, Any], detail: dict[str, Any]) -> list[str]:
    """What an undo handler observed that a person has to know."""
    found = [f"{act['target']}: {name} was written by somebody since the install and stays (invariant 13)"
             for name in detail.get("kept", [])]
    if detail.get("server") == "stopped":
        found.append(f"{act['target']}: the files are back, but the server is stopped; start it")
    if detail.get("differs_from_before"):
        found.append(f"{act['target']}: what was current before is back, but somebody has changed it since (T3)")
    if detail.get("overwritten"):
        found.append(f"{act['target']}: mended since the install, kept beside the pre-images: {detail['overwritten']}")
    return found


def _statements(plan: Plan) -> list[str]:
    """The data-loss statement (invariant 13): what was kept, and what a restore would lose."""
    if plan.way.way == ITEMS and plan.way.statement_waits and plan.point is not None:
        return [
            f"{plan.way.reason}. A restore of {plan.point['path']} would lose those writes and waits "
            "for a named person: playbooks/restore.yml with -e relmgmt_lose_writes_confirmed_by=NAME"
        ]
    return []
