# SPDX-License-Identifier: GPL-3.0-or-later
"""Every gate's pass, hold and refusal."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core import gates
from ansible_collections.relmgmt.release.plugins.module_utils._core.finding import Finding
from ansible_collections.relmgmt.release.plugins.module_utils._core.release import (
    Approval,
    Package,
    Release,
    Ticket,
    approval_digest,
    on_demand_release,
    phases_of,
    ticket_from,
)

NOW = datetime(2026, 12, 5, 20, 30, tzinfo=timezone.utc)
DIGEST = "a" * 64
POLICY = {
    "release_name_pattern": "^[A-Z]F[A-Z]{2}[0-9]{3}$",
    "approvals": [
        {"gate": "acceptance_sign_off", "environment": "acceptance", "roles": ["coordinator"]},
        {"gate": "coordinator_approval", "roles": ["coordinator"]},
    ],
    "notice_days": 14,
}
TICKET = Ticket(
    "CHG1", "CFIS002", "../b", "production", "regular", "maria", "2026-12-05", "", "", "2026-11-21", False
)
OPEN = gates.Window(NOW - timedelta(minutes=30), NOW + timedelta(minutes=90))


def approval(gate: str, where: str, **changes: Any) -> Approval:
    own = where == "production"
    given = {
        "gate": gate, "environment": where, "person": "helen", "role": "Coordinator",
        "time": "2026-12-01T10:00:00+00:00", "expires": "2026-12-06T00:00:00Z",
        "digest": approval_digest(DIGEST, "production") if own else "",
        "bundle_digest": "" if own else DIGEST,
    }
    return Approval(**{**given, **changes})


def case(**changes: Any) -> gates.Case:
    release = Release("CFIS002", "regular", "", "", [], [], {}, [])
    approvals = [approval("acceptance_sign_off", "acceptance"), approval("coordinator_approval", "production")]
    values: dict[str, Any] = {
        "now": NOW, "environment": "production", "release": release, "bundle_digest": DIGEST,
        "ticket": TICKET, "approvals": approvals, "policy": POLICY, "window": OPEN,
    }
    return gates.Case(**{**values, **changes})


def answer(which: str, **changes: Any) -> gates.Verdict:
    return next(v for v in gates.decide(case(**changes)) if v.gate == which)


def with_approval(**changes: Any) -> dict[str, Any]:
    return {"approvals": [approval("coordinator_approval", "production", **changes)]}


def test_everything_right_passes() -> None:
    verdicts = gates.decide(case())
    assert gates.overall(verdicts) == gates.PASS, verdicts


@pytest.mark.parametrize(
    "which, changes, word, reason",
    [
        ("release_name", {"release": Release("Fix7", "regular", "", "", [], [], {}, [])}, "refuse", "A4"),
        ("ticket", {"ticket": TICKET._replace(release="CFIS001")}, "refuse", "CFIS001"),
        ("ticket", {"ticket": TICKET._replace(environment="sandbox")}, "refuse", "sandbox"),
        ("ticket", {"ticket": TICKET._replace(kind="emergency")}, "refuse", "reason"),
        ("coordinator_approval", {"ticket": TICKET._replace(test_mode=True)}, "refuse", "without test mode"),
        ("test_mode", {"ticket": TICKET._replace(test_mode=True)}, "refuse", "no external interfaces"),
        ("coordinator_approval", {"approvals": []}, "hold", "no coordinator_approval"),
        ("coordinator_approval", with_approval(person="Maria"), "refuse", "requested the change"),  # T34
        ("coordinator_approval", with_approval(role="developer"), "refuse", "as developer"),
        ("coordinator_approval", with_approval(digest="b" * 64), "refuse", "not the one"),  # T33
        ("coordinator_approval", with_approval(expires="2026-12-05T20:29:59Z"), "refuse", "expired"),  # T23
        ("coordinator_approval", with_approval(time="2026-12-05T20:31:00Z"), "refuse", "future"),
        ("coordinator_approval", with_approval(expires="2026-11-30T00:00:00Z"), "refuse", "before it was given"),
        ("coordinator_approval", with_approval(environment="acceptance"), "hold", "no coordinator_approval"),
        (
            "acceptance_sign_off",
            {"approvals": [approval("acceptance_sign_off", "acceptance", bundle_digest="c" * 64)]},
            "refuse", "A2",
        ),
        ("window", {"now": NOW - timedelta(hours=1)}, "hold", "opens later"),
        ("window", {"now": NOW + timedelta(minutes=90)}, "refuse", "missed"),  # T22
        ("window", {"window": gates.Window(problem="not a day")}, "refuse", "not a day"),
        ("notice", {"ticket": TICKET._replace(notice_sent="")}, "refuse", "no notice"),
        ("notice", {"ticket": TICKET._replace(notice_sent="2026-11-22")}, "refuse", "13 days"),
        ("notice", {"ticket": TICKET._replace(notice_sent="2026-12-24")}, "refuse", "days"),  # T30
    ],
)
def test_each_refusal_names_its_reason_and_cure(
    which: str, changes: dict[str, Any], word: str, reason: str
) -> None:
    verdict = answer(which, **changes)
    assert verdict.answer == word
    assert reason in verdict.reason
    assert verdict.cure


def test_a_good_approval_beside_an_expired_one_counts() -> None:
    expired = approval("coordinator_approval", "production", expires="2026-12-02T00:00:00Z")
    good = approval("coordinator_approval", "production")
    assert answer("coordinator_approval", approvals=[expired, good]).answer == gates.PASS


def test_an_emergency_may_happen_at_any_time() -> None:
    """A1, A11"""
    ticket = TICKET._replace(kind="emergency", reason="data loss", notice_sent="")
    changes = {"ticket": ticket, "now": NOW + timedelta(hours=5)}
    assert answer("window", **changes).answer == gates.PASS
    assert answer("notice", **changes).answer == gates.PASS


def test_only_a_blackout_of_now_refuses() -> None:
    """T21: a future freeze does not block today."""
    future = {"from": "2026-12-20T00:00:00Z", "to": "2027-01-02T00:00:00Z", "reason": "year end"}
    current = {"from": "2026-12-05T00:00:00Z", "to": "2026-12-06T00:00:00Z", "reason": "audit"}
    assert not [v for v in gates.decide(case(policy={**POLICY, "blackouts": [future]})) if v.gate == "blackout"]
    assert answer("blackout", policy={**POLICY, "blackouts": [future, current]}).answer == gates.REFUSE


def test_refusal_is_stricter_than_hold() -> None:
    hold, refuse = gates.Verdict("a", gates.HOLD, ""), gates.Verdict("b", gates.REFUSE, "")
    assert gates.overall([hold, refuse]) == gates.REFUSE
    assert gates.overall([hold]) == gates.HOLD
    assert gates.overall([]) == gates.PASS


def test_a_time_without_a_zone_is_no_time() -> None:
    with pytest.raises(ValueError, match="zone"):
        gates.parse_time("2026-12-05T20:00:00")


def test_packages_with_errors_are_refused_and_warnings_are_told() -> None:
    warning = Finding("warning", "storage", "A.CLS", 3, "stores its data otherwise", "see", "P.xml")
    error = Finding("error", "percent", "%A.MAC", 9, "belongs to every namespace", "name it", "P.xml")
    assert gates.judge_packages([])[:2] == ("packages", gates.PASS)
    told = gates.judge_packages([warning])
    assert (told.answer, "A.CLS (P.xml line 3) stores its data otherwise" in told.reason) == (gates.PASS, True)
    wrong = gates.judge_packages([warning, error])
    assert (wrong.answer, wrong.cure) == (gates.REFUSE, "name it")
    assert wrong.reason == "%A.MAC (P.xml line 9) belongs to every namespace"
    assert gates.judge_packages([error] * 12).reason.endswith("; and 2 more")
    assert "packages" in gates.OF_DELIVERY


CODE = Package("cache_xml", "A.xml", "c" * 64, {})
CLOSING = Release("CFIS002", "regular", "", "", [], [CODE], {}, [])
SATURDAYS = {"rule": "FREQ=MONTHLY;BYDAY=1SA", "start": "20:00", "hours": 2, "timezone": "UTC"}


@pytest.mark.parametrize(
    "release, policy, word",
    [
        (CLOSING, {}, "refuse"),
        (CLOSING, {"window": {"rule": "always"}}, "refuse"),
        (CLOSING, {"window": SATURDAYS}, "pass"),
        (CLOSING, {"outage_window": {"rule": "always"}}, "pass"),
        (CLOSING._replace(older_war_runs_on_newer_database=True), {}, "pass"),
        (CLOSING._replace(packages=[Package("war", "a.war", "d" * 64, {})]), {}, "pass"),
    ],
)
def test_a_release_that_closes_the_web_entry_needs_a_window_for_that(
    release: Release, policy: dict[str, Any], word: str
) -> None:
    verdict = answer("outage", release=release, policy={**POLICY, **policy})
    assert verdict.answer == word
    assert bool(verdict.cure) is (word == "refuse")


def test_an_emergency_may_close_the_web_entry_at_any_time() -> None:
    """A1"""
    emergency = TICKET._replace(kind="emergency", reason="data loss")
    assert answer("outage", release=CLOSING, ticket=emergency, policy={}).answer == gates.PASS


def test_the_window_is_that_of_outages_only_for_a_release_that_needs_one() -> None:
    policy = {"window": {"rule": "always"}, "outage_window": SATURDAYS}
    assert gates.window_rule(policy, True) == SATURDAYS
    assert gates.window_rule(policy, False) == {"rule": "always"}
    assert gates.window_rule({"window": SATURDAYS}, True) == SATURDAYS
    assert gates.window_rule({}, True) == {"rule": "always"}


INTERFACES = [{
    "name": "CATS", "direction": "outbound", "protocol": "tcp",
    "production": {"host": "cats.example.org", "port": 5100}, "test": {"host": "cats-test.example.org", "port": 5101},
    "settings": [{"on": "databases", "place": "global_node", "global": "^CFISCFG", "subscripts": ["CATS", "port"]}],
}]
ON_DEMAND = ticket_from({
    "change": "CHG5", "environment": "production", "kind": "test_mode", "requested_by": "maria", "date": "2026-12-05",
})


def with_test_mode(**changes: Any) -> dict[str, Any]:
    """A release with test mode, approved so."""
    ticket = TICKET._replace(test_mode=True)
    own = approval("coordinator_approval", "production",
                   digest=approval_digest(DIGEST, "production", phases_of(ticket)))
    given = {"ticket": ticket, "interfaces": INTERFACES, "test_mode": {"hours": 1},
             "approvals": [approval("acceptance_sign_off", "acceptance"), own],
             "policy": {**POLICY, "outage_window": {"rule": "FREQ=DAILY"}}}
    return {**given, **changes}


def on_demand(**changes: Any) -> dict[str, Any]:
    """Test mode alone, approved so."""
    own = approval("coordinator_approval", "production",
                   digest=approval_digest(ON_DEMAND.own_digest, "production", phases_of(ON_DEMAND)))
    given = {"ticket": ON_DEMAND, "release": on_demand_release(ON_DEMAND), "bundle_digest": ON_DEMAND.own_digest,
             "interfaces": INTERFACES, "test_mode": {}, "approvals": [own],
             "policy": {**POLICY, "outage_window": {"rule": "FREQ=DAILY"}}}
    return {**given, **changes}


@pytest.mark.parametrize("given", [with_test_mode(), on_demand()])
def test_test_mode_passes_where_all_is_right(given: dict[str, Any]) -> None:
    verdicts = gates.decide(case(**given))
    assert gates.overall(verdicts) == gates.PASS, verdicts
    assert "CATS" in answer("test_mode", **given).reason


@pytest.mark.parametrize(
    "which, changes, reason",
    [
        ("test_mode", {"interfaces": [{**INTERFACES[0], "test": INTERFACES[0]["production"]}]}, "CATS"),
        ("test_mode", {"test_mode": {"hours": 0}}, "0 hours"),
        ("test_mode", {"test_mode": {"hours": "all night"}}, "all night"),
        ("test_mode", {"test_mode": {"hours": 73}}, "at most 72"),
        ("test_mode", {"test_mode": {"hours": 5}, "policy": {**POLICY, "test_mode": {"max_hours": 4}}}, "at most 4"),
        ("test_mode", {"names": ["application_servers"]}, "has no databases"),
        ("outage", {"policy": POLICY}, "users are kept out"),
        ("notice", {"policy": {**POLICY, "test_mode": {"notice_days": 3}}}, "no notice"),
    ],
)
def test_test_mode_is_refused_by_name(which: str, changes: dict[str, Any], reason: str) -> None:
    verdict = answer(which, **on_demand(**changes))
    assert (verdict.answer, reason in verdict.reason) == ("refuse", True), verdict
    assert verdict.cure


def test_test_mode_ends_with_the_window_if_that_is_earlier() -> None:
    assert OPEN.closes
    assert gates.ends_at(case(**on_demand())) == OPEN.closes.timestamp()
    soon = on_demand(test_mode={"hours": 1})
    assert gates.ends_at(case(**soon)) == (NOW + timedelta(hours=1)).timestamp()


def test_an_approval_of_test_mode_is_bound_to_the_ticket() -> None:
    """Another date, reason or environment is another thing than was approved."""
    changed = ON_DEMAND._replace(date="2026-12-06")
    verdict = answer("coordinator_approval", **on_demand(ticket=changed, bundle_digest=changed.own_digest))
    assert verdict.answer == "refuse"
    assert "the ticket is not the one that was approved" in verdict.reason


def test_an_approval_of_the_release_without_test_mode_does_not_approve_it_with_it() -> None:
    verdict = answer("coordinator_approval", **with_test_mode(approvals=case().approvals))
    assert (verdict.answer, "without test mode" in verdict.reason) == ("refuse", True)
    back = with_test_mode(ticket=TICKET)
    assert "with test mode" in answer("coordinator_approval", **back).reason


def test_the_policy_names_the_approvals_of_test_mode_on_demand() -> None:
    policy = {**POLICY, "test_mode": {"approvals": [{"gate": "tester"}]}, "outage_window": {"rule": "FREQ=DAILY"}}
    verdicts = gates.decide(case(**on_demand(policy=policy)))
    assert {v.gate for v in verdicts if v.answer == gates.HOLD} == {"tester"}
    assert not any(v.gate == "acceptance_sign_off" for v in verdicts)
