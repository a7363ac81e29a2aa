# SPDX-License-Identifier: GPL-3.0-or-later
"""Which components of an application run in which state, and in what order they are stopped and started."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, List, NamedTuple, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

STOP_ORDER = ("web_entry", "interface", "session")
OPEN = "open"
RUNNING_KINDS: Dict[str, FrozenSet[str]] = {
    OPEN: frozenset(STOP_ORDER),
    "restricted": frozenset({"session"}),
    "testing": frozenset({"session", "interface"}),
    "quiesced": frozenset(),
}
RUNNING, STOPPED = "running", "stopped"


class Component(NamedTuple):
    """A part of the application that can be started, stopped and asked; commands are argument lists."""

    name: str
    kind: str
    start: Tuple[str, ...]
    stop: Tuple[str, ...]
    status: Tuple[str, ...]


class Step(NamedTuple):
    """One command: verb is stop or start, wanted the state that it must lead to."""

    verb: str
    component: Component
    wanted: str

    def __str__(self) -> str:
        return "%s %s" % (self.verb, self.component.name)


def read_components(options: Sequence[Dict[str, Any]]) -> List[Component]:
    """Components of the module's options; names must differ, commands must not be empty."""
    components = [
        Component(
            option["name"], option["kind"], tuple(option["start"]), tuple(option["stop"]), tuple(option["status"])
        )
        for option in options
    ]
    seen = set()
    for component in components:
        if component.name in seen:
            raise InvalidInput("component %s is there twice" % component.name, "components", "give it another name")
        seen.add(component.name)
        for verb in ("start", "stop", "status"):
            if not getattr(component, verb):
                raise InvalidInput("component %s has no %s command" % (component.name, verb), "components", "add it")
    return components


def wanted_states(components: Sequence[Component], state: str) -> Dict[str, str]:
    """What every component must be in a state of the application."""
    kinds = RUNNING_KINDS[state]
    return {component.name: RUNNING if component.kind in kinds else STOPPED for component in components}


def plan(components: Sequence[Component], observed: Dict[str, str], state: str) -> List[Step]:
    """Stops from the outside in, then starts from the inside out; what is as wanted is left alone (T12)."""
    wanted = wanted_states(components, state)
    ordered = sorted(components, key=lambda component: STOP_ORDER.index(component.kind))
    unlike = [component for component in ordered if observed[component.name] != wanted[component.name]]
    stops = [Step("stop", each, STOPPED) for each in unlike if wanted[each.name] == STOPPED]
    starts = [Step("start", each, RUNNING) for each in reversed(unlike) if wanted[each.name] == RUNNING]
    return stops + starts


def listing(states: Dict[str, str]) -> str:
    """States as text, for a diff."""
    return "".join("%s: %s\n" % (name, states[name]) for name in sorted(states))
