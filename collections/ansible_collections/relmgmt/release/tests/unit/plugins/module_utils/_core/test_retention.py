# SPDX-License-Identifier: GPL-3.0-or-later
"""What clean-up may remove (T3, T4, invariant 9)."""

from __future__ import annotations

from ansible_collections.relmgmt.release.plugins.module_utils._core.retention import (
    Publication,
    publications,
    removable,
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
