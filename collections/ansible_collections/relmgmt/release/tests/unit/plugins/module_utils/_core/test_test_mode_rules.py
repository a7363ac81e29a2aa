# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true to enter test mode and to leave it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_rules import (
    Facts,
    Setting,
    acceptable_points,
    obstacles,
    point_obstacle,
    proof,
    proofs_obstacle,
    transition_obstacle,
    unverified,
)

ENTRY = {"path": "/b/installed", "root_digest": "i", "instance": "CFIS"}
DOCUMENT: dict[str, Any] = {
    "change": "CHG1", "attempt": 2, "state": "on", "entered_at": 100.0, "switched_at": 110.0, "point": ENTRY,
    "without_fence": "", "ports_verified": False,
}
GOOD = Setting("CATS", "CATS global_node ^A", "5100", "production", True)
CLEAN = Facts(now=200.0, settings=(GOOD,), stands=True)


def act(module: str = "restore", started: float = 120.0, outcome: str | None = "done", **intent: Any) -> dict[str, Any]:
    return {"module": module, "started_at": started, "finished_at": None if outcome is None else started + 1,
            "outcome": outcome, "intent": {"path": "/b/installed", "root_digest": "i", **intent}, "detail": {}}


def messages(facts: Facts) -> list[str]:
    return [one.message for one in obstacles(facts, "/s/bin/relmgmt-test-mode")]


def test_nothing_stands_in_the_way_of_a_clean_host() -> None:
    assert messages(CLEAN) == []


@pytest.mark.parametrize(("changes", "told"), [
    ({"stands": None}, "no fence was put up on this host"),
    ({"stands": False, "differences": ("it lacks x",)}, "the fence does not stand: it lacks x"),
    ({"unfenced": ("MEDS",)}, "the fence leaves MEDS out"),
    ({"queues": {"CATS": 3}}, "the queue of CATS holds 3 that production has still to get"),
    ({"listeners": {("MEDS", 7001): "java (process 7)"}}, "the test port 7001 of MEDS is in use by java (process 7)"),
    ({"connections": ("java (process 7) is connected",)}, "java (process 7) is connected"),
    ({"blind": ("nft does not tell",)}, "nft does not tell"),
    ({"settings": (GOOD._replace(value="9", means="other"),)},
     "the setting CATS global_node ^A holds '9', neither its production nor its test value"),
    ({"settings": (GOOD._replace(value="5101", means="test"),)},
     "the setting CATS global_node ^A means test although this host is not in test mode"),
    ({"settings": (GOOD._replace(value=None, means="absent"),)}, "the setting CATS global_node ^A is not there"),
])
def test_each_obstacle_is_named_with_a_cure(changes: dict[str, Any], told: str) -> None:
    found = obstacles(CLEAN._replace(**changes), "/s/bin/relmgmt-test-mode")
    assert [one.message for one in found] == [told]
    assert found[0].cure


def test_a_named_person_may_accept_that_there_is_no_fence() -> None:
    assert messages(CLEAN._replace(stands=None, accepted="anna: no nft")) == []


def test_going_on_finds_test_settings_and_its_own_listeners() -> None:
    half = CLEAN._replace(
        document={**DOCUMENT, "state": "entering"}, settings=(GOOD, GOOD._replace(means="test")),
        listeners={("MEDS", 7001): "ours"},
    )
    assert messages(half) == []
    assert messages(half._replace(queues={"CATS": 1})) != []
    assert messages(half._replace(document=DOCUMENT, queues={"CATS": 1})) == [], "testers' messages"


@pytest.mark.parametrize(("point", "there", "age", "told"), [
    (None, False, 3600, "there is no verified backup point installed of this attempt"),
    ({"path": "/b", "taken_at": 100.0}, False, 3600, "is no longer at /b"),
    ({"path": "/b", "taken_at": 100.0}, True, 99, "is 100 s old, older than 99 s"),
])
def test_a_point_has_to_be_there_and_young(point: Any, there: bool, age: float, told: str) -> None:
    found = point_obstacle(point, "installed", there, age, 200.0)
    assert found is not None
    assert told in found.message


def test_a_young_point_will_do() -> None:
    assert point_obstacle({"path": "/b", "taken_at": 100.0}, "installed", True, 100, 200.0) is None


def test_what_is_being_left_is_not_entered() -> None:
    refused = transition_obstacle({**DOCUMENT, "state": "leaving"}, "test")
    assert refused is not None
    assert "being left" in refused.message
    assert transition_obstacle(DOCUMENT, "test") is None
    assert transition_obstacle(None, "test") is None


# -- leaving ---------------------------------------------------------------------------------------


def point(path: str, **changes: Any) -> dict[str, Any]:
    return {"path": path, "root_digest": path[-1], "instance": "CFIS", "attempt": 2, "taken_at": 50.0, **changes}


def test_rejected_tests_may_go_further_back() -> None:
    known = [point("/b/before"), point("/b/other", instance="AUX"), point("/b/old", attempt=1),
             point("/b/in-between", taken_at=105.0)]
    assert acceptable_points(DOCUMENT, known, "signed_off") == {"/b/installed": "i"}
    assert acceptable_points(DOCUMENT, known, "rejected") == {"/b/installed": "i", "/b/before": "e"}


ACCEPTED = {"/b/installed": "i"}


def test_a_restore_after_the_switch_is_the_proof() -> None:
    found, why = proof(DOCUMENT, [act()], ACCEPTED)
    assert (found, why) == ({"path": "/b/installed", "root_digest": "i", "at": 121.0, "positions": {}}, "")


@pytest.mark.parametrize(("acts", "told"), [
    ([], "no restore was made since"),
    ([act(started=109.0)], "no restore was made since"),
    ([act(outcome="failed")], "has not ended well (failed)"),
    ([act(outcome=None)], "has not ended well (cut off)"),
    ([act(path="/b/before")], "which is not a point that this outcome goes back to"),
    ([act(root_digest="x")], "is not the one that the ledger recorded"),
    ([act("application", 130.0, state="testing"), act()], "the application was opened since"),
    ([act(started=130.0, outcome=None), act()], "has not ended well (cut off)"),
])
def test_anything_else_is_none(acts: list[dict[str, Any]], told: str) -> None:
    found, why = proof(DOCUMENT, acts, ACCEPTED)
    assert found is None
    assert told in why


def test_quiescing_after_the_restore_opens_nothing() -> None:
    assert proof(DOCUMENT, [act("application", 130.0, state="quiesced"), act()], ACCEPTED)[0] is not None


def test_hosts_without_datasets_believe_later_proofs_only() -> None:
    given = {"host": "db1", "path": "/b", "root_digest": "i", "at": 101.0}
    assert proofs_obstacle(DOCUMENT, [given]) is None
    for proofs in ([], [given, {**given, "host": "db2", "at": 99.0}]):
        assert proofs_obstacle(DOCUMENT, proofs) is not None


@pytest.mark.parametrize(("changes", "told"), [
    ({"settings": (GOOD,)}, "CATS global_node ^A holds '5100', which means production"),
    ({"pending": ("the server has not read it",)}, "the server has not read it"),
    ({"stands": False, "differences": ("x",)}, "the fence does not stand: x"),
    ({"connections": ("java is connected",)}, "java is connected"),
    ({"blind": ("unseen",)}, "unseen"),
])
def test_test_mode_is_verified_or_told_why_not(changes: dict[str, Any], told: str) -> None:
    tested = CLEAN._replace(settings=(GOOD._replace(value="5101", means="test"),))
    assert unverified(tested, "test", "c") == []
    assert unverified(tested._replace(**changes), "test", "c") == [told]


def test_production_mode_is_verified_behind_the_fence() -> None:
    assert unverified(CLEAN._replace(connections=("x",)), "production", "c") == []
    assert unverified(CLEAN._replace(settings=(GOOD._replace(means="test"),)), "production", "c") != []
