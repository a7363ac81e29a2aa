# SPDX-License-Identifier: GPL-3.0-or-later
"""Order and choice of what is stopped and started (T12)."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.application import (
    listing,
    plan,
    read_components,
    wanted_states,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput


def option(name, kind, **commands):
    return {"name": name, "kind": kind, "start": ["up"], "stop": ["down"], "status": ["ask"], **commands}


COMPONENTS = read_components([
    option("users", "session"), option("cats", "interface"), option("meds", "interface"), option("proxy", "web_entry"),
])  # fmt: skip
NAMES = [component.name for component in COMPONENTS]
ALL_RUN = dict.fromkeys(NAMES, "running")
NONE_RUNS = dict.fromkeys(NAMES, "stopped")


def steps(observed, state):
    return [str(step) for step in plan(COMPONENTS, observed, state)]


@pytest.mark.parametrize(
    "observed,state,expected",
    [
        (ALL_RUN, "quiesced", ["stop proxy", "stop cats", "stop meds", "stop users"]),
        (NONE_RUNS, "open", ["start users", "start meds", "start cats", "start proxy"]),
        (ALL_RUN, "restricted", ["stop proxy", "stop cats", "stop meds"]),
        (NONE_RUNS, "restricted", ["start users"]),
        (ALL_RUN, "open", []),
        (NONE_RUNS, "quiesced", []),
        (dict(ALL_RUN, cats="stopped"), "quiesced", ["stop proxy", "stop meds", "stop users"]),
        (dict(NONE_RUNS, proxy="running"), "restricted", ["stop proxy", "start users"]),
    ],
)
def test_only_what_differs_is_touched_in_the_right_order(observed, state, expected):
    assert steps(observed, state) == expected


def test_after_the_plan_every_component_is_as_wanted():
    for state in ("open", "restricted", "quiesced"):
        for observed in (ALL_RUN, NONE_RUNS, dict(ALL_RUN, users="stopped")):
            after = {**observed, **{step.component.name: step.wanted for step in plan(COMPONENTS, observed, state)}}
            assert after == wanted_states(COMPONENTS, state)


@pytest.mark.parametrize("verb", ["start", "stop", "status"])
def test_an_empty_command_is_refused(verb):
    with pytest.raises(InvalidInput, match=f"component a has no {verb} command"):
        read_components([option("a", "session", **{verb: []})])


def test_a_name_used_twice_is_refused():
    with pytest.raises(InvalidInput, match="a is there twice"):
        read_components([option("a", "session"), option("a", "interface")])


def test_states_are_listed_for_the_diff():
    assert listing({"b": "running", "a": "stopped"}) == "a: stopped\nb: running\n"
