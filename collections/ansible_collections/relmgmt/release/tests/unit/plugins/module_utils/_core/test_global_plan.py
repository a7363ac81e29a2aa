# SPDX-License-Identifier: GPL-3.0-or-later
"""Globals of a package, and the way back (invariant 13)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core import global_plan
from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_items import ExportItem
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import Node, reference

PATHS = st.lists(st.sampled_from(["a", "b", "1"]), max_size=2).map(tuple)
STATES = st.dictionaries(PATHS, st.sampled_from(["", "x", "y"]), max_size=6)


def nodes_of(state):
    return [Node(path, value) for path, value in state.items()]


def item(state):
    return ExportItem("global", "^CFG", 1, "d", "", tuple(nodes_of(state)))


def applied(change, state):
    """What an engine does, and what it refuses."""
    for path, value in change.expected.items():
        assert state.get(path) == value
    if change.whole:
        assert set(state) == {path for path, value in change.expected.items() if value is not None}
    after = {path: value for path, value in state.items() if path not in change.removes}
    after.update((node.subscripts, node.value) for node in change.sets)
    return after


@given(STATES, STATES)
def test_merge_sets_the_packages_nodes_and_leaves_the_rest(live, package):
    change = global_plan.change(item(package), "merge", nodes_of(live))
    assert applied(change, live) == {**live, **package}
    assert len(global_plan.preimage(change)) == len(change.sets)


@given(STATES, STATES)
def test_replace_makes_the_global_the_package(live, package):
    change = global_plan.change(item(package), "replace", nodes_of(live))
    assert applied(change, live) == package
    assert {row.subscripts for row in global_plan.preimage(change)} == set(live) | set(package)


@given(STATES, STATES, st.sampled_from(global_plan.MODES))
def test_going_back_is_exact_and_going_back_twice_is_nothing(live, package, mode):
    change = global_plan.change(item(package), mode, nodes_of(live))
    rows = global_plan.preimage(change)
    back = global_plan.going_back("^CFG", rows, nodes_of(applied(change, live)))
    assert back.kept == ()
    assert applied(back.change, applied(change, live)) == live
    again = global_plan.going_back("^CFG", rows, nodes_of(live))
    assert (again.change.sets, again.change.removes, again.kept) == ((), (), ())


@given(STATES, STATES, STATES, st.sampled_from(global_plan.MODES))
def test_what_a_user_wrote_since_stays_and_is_named(live, package, written, mode):
    rows = global_plan.preimage(global_plan.change(item(package), mode, nodes_of(live)))
    installed = applied(global_plan.change(item(package), mode, nodes_of(live)), live)
    now = {**installed, **written}
    back = global_plan.going_back("^CFG", rows, nodes_of(now))
    after = applied(back.change, now)
    priors = {row.subscripts: row.prior for row in rows}
    for path, value in written.items():
        if value != installed.get(path) and value != priors.get(path):
            assert after[path] == value
            assert path not in priors or reference("^CFG", path) in back.kept


def test_a_reference_is_written_as_people_write_it():
    assert reference("^G", ()) == "^G"
    assert reference("^G", ("a\"b", "1", "01", "-1")) == '^G("a""b",1,"01",-1)'


@given(STATES, STATES, st.sampled_from(global_plan.MODES))
def test_nothing_is_newer_where_only_releases_wrote(first, second, mode):
    after = applied(global_plan.change(item(first), "replace", []), {})
    known = global_plan.written(item(first), "replace", {})
    change = global_plan.change(item(second), mode, nodes_of(after))
    assert global_plan.newer(change, known) == []


@given(STATES, STATES, STATES, st.sampled_from(global_plan.MODES))
def test_newer_are_the_nodes_that_would_be_touched_and_are_not_what_was_written(first, live, second, mode):
    known = global_plan.written(item(first), "merge", {})
    change = global_plan.change(item(second), mode, nodes_of(live))
    touched = {node.subscripts for node in change.sets} | set(change.removes)
    expected = {reference("^CFG", path) for path in touched if path in first and live.get(path) != first[path]}
    assert set(global_plan.newer(change, known)) == expected
