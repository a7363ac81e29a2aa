# SPDX-License-Identifier: GPL-3.0-or-later
"""Receipts and leases: who may change a host."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.authority import (
    change_refusal,
    claim_lease,
)

PACKAGE = "d" * 64
HOST = {"environment": "production", "protected": True, "sandbox": False}
RECEIPT: dict[str, Any] = {
    "attempt": 1, "state": "open", "verdict": None, "expires": 1000.0, "packages": [PACKAGE],
}
HOLDER = {"user": "ops", "controller": "ctl1", "pid": 77, "started": "2026-12-05T20:00:00"}
LEASE: dict[str, Any] = {"number": 3, "change": "CHG1", "state": "held", "holder": HOLDER}


def refusal(**changes: Any) -> str:
    values: dict[str, Any] = {
        "change": "CHG1", "host": HOST, "receipt": RECEIPT, "lease": LEASE, "number": 3,
        "now": 999.0, "packages": [PACKAGE],
    }
    found = change_refusal(**{**values, **changes})
    assert found is None or found.cure
    return found.message if found else ""


def test_a_valid_receipt_and_the_current_lease_permit() -> None:
    assert refusal() == ""


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"receipt": None}, "no gate has passed"),
        ({"receipt": None, "host": {}}, "no gate has passed"),
        ({"receipt": {**RECEIPT, "state": "closed", "verdict": "done"}}, "closed (done)"),
        ({"now": 1000.5}, "expired"),
        ({"lease": None}, "holds no lease"),
        ({"lease": {**LEASE, "state": "free"}}, "holds no lease"),
        ({"lease": {**LEASE, "change": "CHG2"}}, "held by CHG2"),
        ({"lease": {**LEASE, "number": 4}}, "not the current one"),
        ({"number": None}, "not the current one"),
        ({"packages": ["e" * 64]}, "not in the approved bundle"),
    ],
)
def test_each_way_round_the_gate_is_refused(changes: dict[str, Any], reason: str) -> None:
    assert reason in refusal(**changes)


def test_an_unprotected_host_without_a_receipt_is_open() -> None:
    assert refusal(host={**HOST, "protected": False}, receipt=None, lease=None) == ""


def test_an_unprotected_host_with_a_receipt_still_guards_the_lease() -> None:
    assert "not the current one" in refusal(host={**HOST, "protected": False}, number=2)


def test_going_back_needs_the_lease_alone() -> None:
    """Invariant 14"""
    closed = {**RECEIPT, "state": "closed", "verdict": "done"}
    assert refusal(going_back=True, receipt=closed, now=5000.0) == ""
    assert "held by CHG2" in refusal(going_back=True, lease={**LEASE, "change": "CHG2"})


def claim(**changes: Any) -> tuple[int, str]:
    values: dict[str, Any] = {
        "change": "CHG1", "lease": LEASE, "number": 0, "proven_dead": 0, "holder_is_caller": False,
        "unfinished": "", "person": "",
    }
    found = claim_lease(**{**values, **changes})
    return found.number, found.refusal.message if found.refusal else ""


def test_the_first_claim_gets_number_one() -> None:
    assert claim(lease=None) == (1, "")


def test_a_free_lease_is_taken_with_a_new_number() -> None:
    assert claim(lease={**LEASE, "state": "free"}) == (4, "")


def test_the_holder_keeps_its_number() -> None:
    assert claim(holder_is_caller=True) == (3, "")


def test_a_live_holder_is_named_and_not_displaced() -> None:
    number, reason = claim(change="CHG9")
    assert number == 0
    assert "CHG1" in reason
    assert "process 77" in reason


def test_a_holder_proven_dead_is_displaced() -> None:
    """T5: the mark left by a crash does not block the next run."""
    assert claim(proven_dead=3) == (4, "")


def test_proof_of_another_holders_death_does_not_count() -> None:
    assert claim(proven_dead=2)[0] == 0


def test_a_named_person_displaces() -> None:
    assert claim(person="helen: controller burnt") == (4, "")


def test_an_unfinished_change_is_not_built_upon() -> None:
    number, reason = claim(lease={**LEASE, "state": "free"}, unfinished="CHG0")
    assert number == 0
    assert "CHG0 is not finished" in reason


def test_other_hosts_follow_the_anchor_and_never_go_back() -> None:
    assert claim(number=5) == (5, "")
    assert "stale" in claim(number=3)[1]
    assert "stale" in claim(number=2)[1]
