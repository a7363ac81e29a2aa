# SPDX-License-Identifier: GPL-3.0-or-later
"""Post-install steps of a release: run once, in order, each recorded with its undo before it runs."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._core import steps as core
from ansible_collections.relmgmt.release.plugins.module_utils._core.steps import Step
from ansible_collections.relmgmt.release.plugins.module_utils._engines.choose import open_engine
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import Called, Engine
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError, Refused
from ansible_collections.relmgmt.release.plugins.module_utils._module.instance import recipe_of
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Act, Host, UndoContext
from ansible_collections.relmgmt.release.plugins.module_utils._module.view import HostView

MODULE = "cache_package"
#: characters of a step's answer that the ledger and messages keep
SHOWN = 2000


class Pending(NamedTuple):
    """A step and what became of it on this host."""

    step: Step
    state: str
    identity: str

    def as_dict(self) -> Dict[str, Any]:
        """The step as modules return it."""
        return {"name": self.step.name, "call": self.step.call, "state": self.state}


def look_at_steps(host: HostView, engine: Engine, release: str) -> Tuple[Pending, ...]:
    """The package's steps and their states. Raises InvalidInput for one that the engine cannot call."""
    params, acts, found = host.params, host.ledger.acts(), []
    for step in core.steps_of(params["steps"]):
        for called in (step.call, step.undo.get("call")):
            if called:
                engine.check_entry(called)
        state = core.state_of(step, params["file"], release, acts)
        found.append(Pending(step, state, core.identity(step, params["file"])))
    return tuple(found)


def refuse_unfinished(steps: Sequence[Pending], place: str) -> None:
    """A step that failed or was cut off has perhaps done half its work: nobody can go on from there."""
    for one in steps:
        if one.state in (core.FAILED, core.CUT_OFF):
            raise Refused(
                f"the step {one.step.name!r} {one.state} before: what it did is unknown", place=place,
                cure="roll back, which undoes it, then run again",
            )


def run_steps(host: Host, engine: Engine, steps: Sequence[Pending]) -> List[int]:
    """Run the pending steps; returns the processes that ran them. Raises EngineError at the first that fails."""
    pids: List[int] = []
    instance = recipe_of(host.params["instance"])
    for one in steps:
        if one.state != core.PENDING:
            continue
        step = one.step
        undo = {"kind": "step", "instance": instance, "step": step.name, "timeout": step.timeout, "undo": step.undo}
        intent = {"step": step.name, "call": step.call, "arguments": list(step.arguments),
                  "step_identity": one.identity}
        with host.act(MODULE, f"{instance['name']}: {step.name}", intent=intent, undo=undo) as act:
            failpoint("package.step")
            called = _run(engine, step, act)
            failpoint("package.stepped")
            pids += [called.pid] if called.pid else []
    return pids


def undo_step(recipe: Dict[str, Any], context: UndoContext) -> Dict[str, Any]:
    """What the release says undoes the step; nothing where a restore of the datasets has undone it.

    The step may have been cut off before or in the middle of its work, and an undo that was cut
    off is run again: that it can cope with both is the release's to see to.
    """
    undo = recipe["undo"]
    if context.restored == recipe["instance"]["name"]:
        return {"put_back": [], "reason": "the datasets were restored"}
    if "call" not in undo:
        return {"put_back": [], "reason": undo["reason"]}
    step = Step(
        recipe["step"], undo["call"], tuple(undo.get("arguments") or ()), str(undo["expect"]),
        float(recipe["timeout"]), {},
    )
    called = open_engine(recipe["instance"]).call(step.call, list(step.arguments), step.timeout)
    _require_expected(step, called, "undoing the step")
    return {"put_back": [step.name], "writer_pids": [called.pid] if called.pid else []}


def _run(engine: Engine, step: Step, act: Act) -> Called:
    try:
        called = engine.call(step.call, list(step.arguments), step.timeout)
    except EngineError as error:
        act.note(writer_pids=[error.detail["pid"]] if error.detail.get("pid") else [])
        raise _failed(step, f"failed: {error.message}", error.cure) from error
    act.note(names=[step.name], writer_pids=[called.pid] if called.pid else [], result=called.result[:SHOWN])
    _require_expected(step, called, "the step")
    return called


def _require_expected(step: Step, called: Called, what: str) -> None:
    if not core.matches(called.result, step.expect):
        raise EngineError(
            f"{what} {step.name!r}: {step.call} answered {called.result[:200]!r}, not {step.expect[:200]!r}",
            place="a step of the release", cure="roll back; correct the step or what it expects", step=step.name,
            result=called.result[:SHOWN],
        )


def _failed(step: Step, message: str, cure: str) -> EngineError:
    return EngineError(
        f"the step {step.name!r}, {step.call}, {message}", place="a step of the release",
        cure=cure or "roll back; correct the step", step=step.name,
    )
