# SPDX-License-Identifier: GPL-3.0-or-later
"""What is true of a host's interfaces: the verdict over what was observed, and the table for people. Pure."""

from __future__ import annotations

from typing import Any, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import ABSENT, PRODUCTION, TEST
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode import (
    ON,
    is_back,
    lasts,
    moment,
    state_of,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_rules import (
    Facts,
    Setting,
    connection_obstacle,
    fence_obstacles,
)

HALF, UNKNOWN = "half", "unknown"
#: seconds before entering, and after leaving, for which the fence may stand
FENCE_GRACE = 600


class Verdict(NamedTuple):
    """``verdict``: production, test, half or unknown. ``problems``: what asks for a person, each with its cure."""

    verdict: str
    problems: Tuple[str, ...]
    notes: Tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing asks for a person."""
        return self.verdict in (PRODUCTION, TEST) and not self.problems


def judge(facts: Facts, command: str) -> Verdict:
    """What is true of this host. ``command``: the host's own, for cures."""
    seen = _judge_production(facts) if is_back(facts.document) else _judge_test(facts, command)
    seen = seen._replace(problems=(*seen.problems, *facts.unheard))
    if facts.blind:
        return seen._replace(verdict=UNKNOWN, problems=(*facts.blind, *seen.problems))
    return seen


def drift(facts: Facts) -> List[Setting]:
    """Settings that mean something else than the state asks for."""
    wanted = PRODUCTION if is_back(facts.document) else TEST
    return [one for one in facts.settings if one.means != wanted]


def _judge_production(facts: Facts) -> Verdict:
    problems = [f"{_tells(one)} although test mode is off: find out who changed it" for one in drift(facts)]
    problems += list(facts.pending)
    if (facts.stands or facts.differences) and _is_forgotten(facts):
        told = ("still stands, so nothing reaches production" if facts.stands
                else "is not wholly gone, so a reboot may raise it")
        problems.append(f"the fence {told}: interface_fence with state absent")
    return Verdict(HALF if drift(facts) else PRODUCTION, tuple(problems), _notes(facts))


def _is_forgotten(facts: Facts) -> bool:
    """Whether the fence has stood for long without test mode: it goes up first and comes down last."""
    left = float((facts.document or {}).get("left_at") or 0)
    return facts.now - max(left, facts.fenced_since) > FENCE_GRACE


def _judge_test(facts: Facts, command: str) -> Verdict:
    document = facts.document or {}
    problems = [f"{one.message}: {one.cure}" for one in fence_obstacles(facts, command)]
    unsafe = bool(problems)
    state = state_of(document)
    if state != ON:
        problems.append(
            f"it is {state}: run the same playbook again, or leave ({command} leave)")
    problems += [f"{_tells(one)} in test mode: {_drift_cure(one, command)}" for one in drift(facts)]
    problems += [*facts.pending, *(f"{one.message}: {one.cure}" for one in map(connection_obstacle, facts.connections))]
    late = overdue(document, facts.now)
    clean = state == ON and not problems and not unsafe
    problems += [f"{one}, which the fence does not shut off: {command} fence" for one in facts.moved]
    if late:
        problems.append(f"test mode should have ended at {moment(document['ends_at'])}: leave it")
    return Verdict(TEST if clean else HALF, tuple(problems), _notes(facts))


def _drift_cure(one: Setting, command: str) -> str:
    if one.means == PRODUCTION and one.inside:
        return f"the datasets were restored, or somebody changed it; leave ({command} leave) or enter again"
    return "find out who changed it; leave, or correct it and enter again"


def _tells(one: Setting) -> str:
    if one.means == ABSENT:
        return f"{one.key} is not set"
    return f"{one.key} means {one.means} ({one.value})"


def overdue(document: Optional[Mapping[str, Any]], now: float) -> float:
    """By how many seconds the end time has passed; 0 if it has not or nothing lasts."""
    if not lasts(document) or not document or not document["ends_at"]:
        return 0.0
    return max(0.0, now - float(document["ends_at"]))


def _notes(facts: Facts) -> Tuple[str, ...]:
    document = facts.document or {}
    notes = [f"the queue of {name} holds {depth}" for name, depth in sorted(facts.queues.items()) if depth]
    if lasts(document) and document.get("without_fence") and not facts.stands:
        notes.append(f"no fence, accepted by {document['without_fence']}")
    if facts.stands and not lasts(document):
        notes.append("the fence stands")
    return tuple(notes)


# -- for people -------------------------------------------------------------------------


def table(facts: Facts, verdict: Verdict, fence: Mapping[str, Any]) -> str:
    """What is true, as a table for people. ``fence``: {stands, differences, stopped}."""
    document = facts.document or {}
    lines = [f"mode        {verdict.verdict}{'' if verdict.ok else '  (needs a person)'}"]
    if lasts(document):
        lines += [
            f"change      {document['change']} by {document['person'] or '-'}, {document['state']}",
            f"entered     {moment(document['entered_at'])}",
            f"ends        {moment(document['ends_at'])}",
            f"goes back to {document['point']['path']}" if document["point"] else "goes back to  (no datasets here)",
        ]
    lines.append(f"fence       {_fence_line(facts, fence)}")
    lines += columns([("interface", "means", "value", "setting")] + [
        (one.interface, one.means, one.value if one.value is not None else "-", one.key) for one in facts.settings
    ]) if facts.settings else ["settings    none on this host"]
    for title, sentences in (("problem", verdict.problems), ("note", verdict.notes)):
        lines += [f"{title:<11} {sentence}" for sentence in sentences]
    return "\n".join(lines) + "\n"


def _fence_line(facts: Facts, fence: Mapping[str, Any]) -> str:
    if facts.stands is None:
        return "none"
    stopped = ", ".join(f"{name} {count}" for name, count in sorted(fence.get("stopped", {}).items())) or "nothing"
    stands = "stands" if facts.stands else f"DOES NOT STAND ({'; '.join(facts.differences)})"
    return f"{stands}; packets stopped: {stopped}"


def columns(rows: Sequence[Sequence[str]]) -> List[str]:
    """Rows of cells as lines, every column as wide as its widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
