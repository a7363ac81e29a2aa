# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps as text. Names and messages come from hosts: nothing of them may steer a terminal."""

from __future__ import annotations

import re

from ansible_collections.relmgmt.release.plugins.module_utils._core.release import PHASES
from relmgmt_runner.ports import Step
from relmgmt_runner.verdict import Verdict

PHASE_COUNT = len(PHASES)
LONGEST = 2000


def printable(text: str) -> str:
    """The text with everything that is neither printable nor a line end made harmless."""
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text[:LONGEST])


def phase_number(play: str) -> int | None:
    """The number of the phase, from 1, that a play's name speaks of."""
    words = re.sub(r"[^a-z]+", "_", play.lower())
    for number, phase in enumerate(PHASES, 1):
        if re.search(rf"(^|_){phase}(_|$)", words):
            return number
    return None


def line_of(step: Step) -> str:
    """One line for a step; empty for one that is not worth a line."""
    if step.kind == "play":
        return f"== {printable(step.play)}"
    if step.kind == "progress":
        return f"{'at work':<11} {printable(step.host)}  {printable(step.task)}: {printable(step.message)}"
    if step.kind != "host" or step.state == "skipped":
        return ""
    message = f": {printable(step.message)}" if step.message else ""
    return f"{step.state:<11} {printable(step.host)}  {printable(step.task)}{message}"


def report(verdict: Verdict, artifacts: str) -> str:
    """The one screen at the end of a run."""
    what = " ".join(word for word in (verdict.change, verdict.release) if word)
    lines = [f"Verdict: {verdict.verdict}" + (f" ({what})" if what else "")]
    lines += [f"  - {reason}" for reason in verdict.reasons]
    width = max((len(name) for name, _state in verdict.hosts), default=0)
    lines += [f"  {name:<{width}}  {state}" for name, state in verdict.hosts]
    return "\n".join(printable(line) for line in [*lines, f"Artifacts: {artifacts}"])
