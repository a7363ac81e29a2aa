# SPDX-License-Identifier: GPL-3.0-or-later
"""An application is opened, restricted or quiesced: the work of the module application."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._commands import run_detached
from ansible_collections.relmgmt.release.plugins.module_utils._core.application import (
    OPEN,
    RUNNING,
    STOPPED,
    Component,
    Step,
    listing,
    plan,
    read_components,
    wanted_states,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode import DOCUMENT, is_back
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome

_POLL_SECONDS = 0.2
_STATUS_STATES = {0: RUNNING, 1: STOPPED}
_CURE = "correct relmgmt_application"


def set_state(host: Host) -> Outcome:
    """Bring every component to what the wanted state asks for, and see that it is there."""
    name, state = host.params["name"], host.params["state"]
    components = read_components(host.params["components"])
    # Users who are let in on test data would lose what they write.
    allowed = state != OPEN or is_back(host.ledger.mode(DOCUMENT))
    host.guard(going_back=host.params["going_back"], in_test_mode=allowed)
    deadline = time.monotonic() + host.params["timeout"]
    before = _observe(components, deadline)
    steps = plan(components, before, state)
    acted = [str(step) for step in steps]
    record: Dict[str, Any] = {"name": name, "state": state, "components": before, "acted": acted}
    if not steps:
        return Outcome(False, record, message="the application is %s already" % state)
    after = wanted_states(components, state)
    if not host.check_mode:
        after = _carry_out(host, components, steps, before, deadline)
    record["components"] = after
    return Outcome(True, record, listing(before), listing(after), ", ".join(acted))


def _carry_out(
    host: Host, components: Sequence[Component], steps: List[Step], before: Dict[str, str], deadline: float
) -> Dict[str, str]:
    name, state = host.params["name"], host.params["state"]
    intent = {"state": state, "steps": [str(step) for step in steps], "before": before}
    with host.act("application", "application:%s" % name, intent, {}) as act:
        for step in steps:
            _take(step, deadline)
        after = _observe(components, deadline)
        act.note(components=after)
        if after != wanted_states(components, state):
            unlike = sorted(each for each, wanted in wanted_states(components, state).items() if after[each] != wanted)
            message = "components changed again while others were changed: %s" % ", ".join(unlike)
            raise RelmgmtError(message, name, "find out who starts or stops them, then run the phase again")
    return after


def _take(step: Step, deadline: float) -> None:
    command = getattr(step.component, step.verb)
    ended = run_detached(command, deadline, _CURE)
    if ended.code != 0:
        how = "did not end in time" if ended.code is None else "ended with %d" % ended.code
        message = "component %s could not be %s: the command %s" % (step.component.name, _past(step.verb), how)
        raise RelmgmtError(message, " ".join(command), "see its output", output=ended.output)
    while _status(step.component, deadline) != step.wanted:
        if time.monotonic() >= deadline:
            message = "component %s was told to %s but is not %s" % (step.component.name, step.verb, step.wanted)
            raise RelmgmtError(message, " ".join(command), "look at the component itself", output=ended.output)
        time.sleep(_POLL_SECONDS)


def _past(verb: str) -> str:
    return {"start": "started", "stop": "stopped"}[verb]


def _observe(components: Sequence[Component], deadline: float) -> Dict[str, str]:
    return {component.name: _status(component, deadline) for component in components}


def _status(component: Component, deadline: float) -> str:
    # Even past the deadline a last look gets a little time: the answer decides between done and failed.
    ended = run_detached(component.status, max(deadline, time.monotonic() + 5), _CURE)
    if ended.code not in _STATUS_STATES:
        how = "did not end" if ended.code is None else "ended with %d" % ended.code
        message = "the state of component %s is unknown: its status command %s" % (component.name, how)
        cure = "it must end with 0 (running) or 1 (stopped)"
        raise HostStateUnknown(message, " ".join(component.status), cure, output=ended.output)
    return _STATUS_STATES[ended.code]
