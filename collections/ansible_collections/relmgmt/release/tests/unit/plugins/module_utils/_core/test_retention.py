# SPDX-License-Identifier: GPL-3.0-or-later
"""What clean-up may remove (T3, T4, invariant 9)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.retention import (
    BackupSet,
    Publication,
    publications,
    removable,
    why_kept,
)


def published(name, previous="", good=True, open_=False):
    return Publication(name, previous, good, open_)


def test_the_newest_good_ones_stay():
    history = [published("r5"), published("r4"), published("r3"), published("r2"), published("r1")]
    existing = ["r1", "r2", "r3", "r4", "r5"]
    assert removable(history, existing, {"r5", "r4"}, 3) == ["r1", "r2"]
    assert removable(history, existing, {"r5", "r4"}, 1) == ["r1", "r2", "r3"]
    assert removable(history, existing, {"r5", "r4"}, 9) == []


def test_failures_do_not_push_out_the_last_good_release():
    """T4: six failed attempts after one good release."""
    history = [published(f"bad{number}", "good", good=False) for number in range(6)] + [published("good")]
    existing = ["good"] + [f"bad{number}" for number in range(6)]
    assert removable(history, existing, {"good", "bad0"}, 1) == ["bad1", "bad2", "bad3", "bad4", "bad5"]


def test_what_is_served_and_the_one_before_stay_even_when_they_are_old():
    """T3: after a rollback an old release is served again."""
    history = [published("r3", "r2", good=False), published("r2"), published("r1")]
    assert removable(history, ["r1", "r2", "r3"], {"r1", ""}, 1) == ["r3"]


def test_an_open_change_cycle_keeps_both_its_ends():
    history = [published("r3"), published("r2", "r1", open_=True), published("r1")]
    assert removable(history, ["r1", "r2", "r3"], {"r3"}, 1) == []


def test_directories_that_no_release_made_are_somebody_elses():
    assert removable([published("r1")], ["by-hand", "r1"], {"r1"}, 1) == []


def test_history_is_read_from_the_ledger():
    act = {
        "target": "static:/w", "intent": {"directory": "releases/a"}, "undo": {"previous": None},
        "outcome": "done", "undone_at": None, "change": "CHG1", "attempt": 1,
    }
    acts = [
        act, dict(act, outcome="failed"), dict(act, undone_at=1.0), dict(act, target="static:/other"),
        dict(act, intent={"action": "record"}), dict(act, change="CHG2", outcome=None),
    ]
    found = publications(acts, "static:/w", {("CHG2", 1)})
    assert [(each.good, each.open) for each in found] == [(True, False), (False, False), (False, False), (False, True)]


def taken(number, point="before", doubt="", base="", needed=""):
    change = f"CHG{number}"
    return BackupSet(f"/b/{change}-1/{point}", change, 1, float(number), doubt, base, needed)


def test_the_newest_attempts_stay_with_all_their_sets():
    sets = [taken(number, point) for number in range(1, 5) for point in ("before", "installed")]
    assert set(why_kept(sets, 2)) == {one.path for one in sets[4:]}
    assert set(why_kept(sets, 0)) == {one.path for one in sets[6:]}
    assert len(why_kept(sets, 9)) == 8


def test_sets_in_doubt_neither_count_nor_go():
    """T4: three damaged sets after one good one."""
    sets = [taken(1), taken(2), *[taken(number, doubt="block 7 is wrong") for number in (3, 4, 5)]]
    reasons = why_kept(sets, 1)
    assert set(reasons) == {one.path for one in sets[1:]}
    assert reasons[sets[3].path] == "block 7 is wrong: a person decides"


def test_an_attempt_with_a_set_in_doubt_stays_as_a_whole_and_does_not_count():
    sets = [taken(1), taken(2), taken(3), taken(3, "installed", doubt="block 7 is wrong")]
    reasons = why_kept(sets, 1)
    assert set(reasons) == {one.path for one in sets[1:]}
    assert reasons[sets[2].path] == "another set of its attempt is in doubt (block 7 is wrong): a person decides"


def test_what_is_needed_stays_however_old():
    sets = [taken(1, needed="CHG1 may still go back to it"), taken(2), taken(3)]
    assert set(why_kept(sets, 1)) == {sets[0].path, sets[2].path}


def test_a_base_stays_with_what_builds_on_it():
    first, second = taken(1), taken(2, base="/b/CHG1-1/before")
    third = taken(3, base=second.path)
    assert why_kept([first, second, third], 1) == {
        third.path: "of the newest 1 good attempts", second.path: f"{third.path} builds on it",
        first.path: f"{second.path} builds on it",
    }


SETS = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from(["before", "installed"]), st.booleans(), st.booleans(), st.booleans()),
    unique_by=lambda one: one[:2], max_size=12,
)


@given(SETS, st.integers(-1, 4))
def test_never_the_last_good_set_nor_one_that_is_needed(given_sets, keep):
    sets = [
        taken(number, point, "damaged" if damaged else "", f"/b/CHG{number}-1/before" if based else "",
              "open" if needed else "")
        for number, point, damaged, based, needed in given_sets
    ]
    kept = why_kept(sets, keep)
    paths = {one.path for one in sets}
    assert set(kept) <= paths
    good = [one for one in sets if not one.doubt]
    assert not good or any(one.path in kept for one in good)
    for one in sets:
        assert not (one.doubt or one.needed) or one.path in kept
        assert one.path not in kept or one.base not in paths or one.base in kept
    gone = [one for one in good if one.path not in kept]
    newer = {one.change for one in good if one.path in kept and all(one.taken_at >= other.taken_at for other in gone)}
    assert not gone or len(newer) >= max(keep, 1)
