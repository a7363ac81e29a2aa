# SPDX-License-Identifier: GPL-3.0-or-later
"""Post-install steps: names that an engine may call, and what is still to be run."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core import steps
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput


def step(name="index", **more):
    return {"name": name, "call": "$$A^B", "expect": "1", "undo": {"reason": "none"}, **more}


@pytest.mark.parametrize("call, entry", [
    ("LABEL^ROUTINE", ("routine", "LABEL", "ROUTINE", False)), ("^ROUTINE", ("routine", "", "ROUTINE", False)),
    ("$$%L^%R1", ("routine", "%L", "%R1", True)), ("10^R", ("routine", "10", "R", False)),
    ("$$A^Pkg.R", ("routine", "A", "Pkg.R", True)),
    ("##class(Pkg.Sub.C).Method", ("class", "Method", "Pkg.Sub.C", True)),
    ("##class(%Pkg.C).%New", ("class", "%New", "%Pkg.C", True)),
])
def test_names_of_entries_are_taken_apart(call, entry):
    assert tuple(steps.parse_entry(call)) == entry


@pytest.mark.parametrize("call", [
    "", "ROUTINE", "A^B(1)", "A^B ", "A^B\n", "A^B,C^D", "A^B kill ^X", '$$A^B("x")', "A+1^B", "A^B^C", "$A^B",
    "A^|\"X\"|B", "##class(C).M()", "##class(C).M halt", "##class(C.).M", "A^B.", "##class(C)", "##Class(C).M", "@X",
    "é^B", "^B\0", "A^1B",
])
def test_anything_else_never_reaches_an_engine(call):
    with pytest.raises(InvalidInput, match="not the name of an entry"):
        steps.parse_entry(call)
    with pytest.raises(InvalidInput):
        steps.steps_of([step(undo={"call": call, "expect": "1"})])


@pytest.mark.parametrize("undo", [
    {}, {"call": "A^B", "expect": "", "reason": "both"}, {"call": None, "reason": None}, {"call": "A^B"},
    {"reason": "none", "expect": "1"},
])
def test_a_step_says_how_it_is_undone_or_why_not(undo):
    with pytest.raises(InvalidInput, match="neither how it is undone nor why"):
        steps.steps_of([step(undo=undo)])


def test_arguments_and_answers_are_texts():
    (one,) = steps.steps_of([step(arguments=[1, "a b"], expect=0, timeout=7)])
    assert (one.arguments, one.expect, one.timeout) == (("1", "a b"), "0", 7.0)
    assert steps.steps_of([step()])[0].timeout == steps.TIMEOUT


@pytest.mark.parametrize("outcome, undone, release, state", [
    ("done", None, "R1", "done"), ("failed", None, "R1", "failed"), (None, None, "R1", "cut off"),
    ("done", 1.0, "R1", "pending"), ("done", None, "R0", "pending"),
])
def test_what_became_of_a_step_stands_in_the_ledger(outcome, undone, release, state):
    (one,) = steps.steps_of([step()])
    act = {"release": release, "intent": {"step_identity": steps.identity(one, "P.xml")}, "outcome": outcome,
           "undone_at": undone}
    other = {**act, "intent": {"loads": []}, "outcome": "done"}
    assert steps.state_of(one, "P.xml", "R1", [other, act]) == state
    assert steps.state_of(one, "Q.xml", "R1", [act]) == "pending", "of another package"
    (changed,) = steps.steps_of([step(arguments=["2"])])
    assert steps.state_of(changed, "P.xml", "R1", [act]) == "pending", "another call"


def test_line_ends_at_the_end_of_an_answer_do_not_count():
    assert steps.matches("two\nlines\n\n", "two\nlines")
    assert not steps.matches("1 ", "1")
