# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict over a host's interfaces, and its table."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_rules import Facts, Setting
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_truth import (
    Verdict,
    drift,
    judge,
    overdue,
    table,
)

DOCUMENT: dict[str, Any] = {
    "change": "CHG1", "state": "on", "person": "maria.lopez", "entered_at": 100.0, "ends_at": 0, "point": None,
    "without_fence": "", "ports_verified": False, "left_at": None,
}
OFF = {**DOCUMENT, "state": "off", "left_at": 200.0}
BACK = {**DOCUMENT, "state": "leaving", "ports_verified": True}
PRODUCTION = Setting("CATS", "CATS global_node ^A", "5100", "production", True)
TEST = PRODUCTION._replace(value="5101", means="test")
OTHER = PRODUCTION._replace(value="9", means="other")
COMMAND = "/s/bin/relmgmt-test-mode"


def facts(document: dict[str, Any] | None, *settings: Setting, **more: Any) -> Facts:
    return Facts(**{"now": 300.0, "document": document, "settings": settings, "stands": True, **more})


@pytest.mark.parametrize(("seen", "verdict", "ok"), [
    (facts(None, PRODUCTION, stands=None), "production", True),
    (facts(OFF, PRODUCTION), "production", True),
    (facts(OFF, PRODUCTION, now=900.0), "production", False),
    (facts(None, PRODUCTION, fenced_since=290.0), "production", True),
    (facts(None, PRODUCTION, now=900.0, fenced_since=290.0), "production", False),
    (facts(None, TEST, stands=None), "half", False),
    (facts(None, OTHER, stands=None), "half", False),
    (facts(DOCUMENT, TEST), "test", True),
    (facts(DOCUMENT, TEST, PRODUCTION), "half", False),
    (facts(DOCUMENT, PRODUCTION), "half", False),
    (facts(DOCUMENT, TEST, stands=False), "half", False),
    (facts(DOCUMENT, TEST, stands=None), "half", False),
    (facts(DOCUMENT, TEST, stands=None, accepted="anna: no nft"), "test", True),
    (facts(DOCUMENT, TEST, unfenced=("CATS",)), "half", False),
    (facts(DOCUMENT, TEST, pending=("not read",)), "half", False),
    (facts(DOCUMENT, TEST, connections=("java",)), "half", False),
    (facts({**DOCUMENT, "state": "entering"}, TEST), "half", False),
    (facts({**DOCUMENT, "state": "leaving"}, PRODUCTION), "half", False),
    (facts(BACK, PRODUCTION), "production", True),
    (facts({**DOCUMENT, "ends_at": 299.0}, TEST), "test", False),
    (facts(DOCUMENT, TEST, blind=("the engine does not answer",)), "unknown", False),
    (facts(None, blind=("the engine does not answer",)), "unknown", False),
    (facts(None, stands=None), "production", True),
])
def test_the_verdict_is_what_is_true(seen: Facts, verdict: str, ok: bool) -> None:
    found = judge(seen, COMMAND)
    assert (found.verdict, found.ok) == (verdict, ok), found
    assert bool(found.problems) != ok


def test_every_problem_names_its_cure() -> None:
    found = judge(facts(DOCUMENT, OTHER, TEST, stands=False, connections=("java is connected",)), COMMAND)
    assert found.problems == (
        f"the fence does not stand: it cannot be seen: {COMMAND} fence",
        "CATS global_node ^A means other (9) in test mode: find out who changed it; leave, or correct it and enter "
        "again",
        "java is connected: end that process or restart it: it holds on to production",
    )


def test_drift_is_what_means_something_else() -> None:
    assert drift(facts(DOCUMENT, TEST, OTHER)) == [OTHER]
    assert drift(facts(BACK, TEST, PRODUCTION)) == [TEST]


@pytest.mark.parametrize(("document", "late"), [
    (None, 0.0), (OFF, 0.0), (DOCUMENT, 0.0), ({**DOCUMENT, "ends_at": 290.0}, 10.0),
    ({**DOCUMENT, "ends_at": 310.0}, 0.0), ({**DOCUMENT, "state": "leaving", "ends_at": 290.0}, 10.0),
])
def test_overdue_is_only_what_lasts(document: Any, late: float) -> None:
    assert overdue(document, 300.0) == late


def test_the_table_is_for_people() -> None:
    seen = facts({**DOCUMENT, "point": {"path": "/b/installed"}}, TEST, OTHER._replace(value=None, means="absent"))
    told = table(seen, Verdict("half", ("a problem",), ("a note",)), {"stopped": {"CATS": 3}})
    assert told.splitlines() == [
        "mode        half  (needs a person)",
        "change      CHG1 by maria.lopez, on",
        "entered     1970-01-01 00:01:40Z",
        "ends        -",
        "goes back to /b/installed",
        "fence       stands; packets stopped: CATS 3",
        "interface  means   value  setting",
        "CATS       test    5101   CATS global_node ^A",
        "CATS       absent  -      CATS global_node ^A",
        "problem     a problem",
        "note        a note",
    ]
