# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates of a change cycle: pure decisions, each pass, hold or refuse, with its cure.

Hold: time or a person can still let it pass as it stands. Refuse: something must change first.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any, Iterable, Mapping, NamedTuple, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._core.finding import Finding, errors
from ansible_collections.relmgmt.release.plugins.module_utils._core.release import (
    Approval,
    Release,
    Ticket,
    approval_digest,
)

PASS, HOLD, REFUSE = "pass", "hold", "refuse"
OF_DELIVERY = ("bundle", "packages", "release_name", "ticket")
#: findings on packages that a verdict names
SHOWN = 10
ALWAYS_OPEN = {"rule": "always"}
DEFAULT_NAME_PATTERN = r"^[A-Z]F[A-Z]{2}[0-9]{3}$"


class Verdict(NamedTuple):
    """One gate's answer."""

    gate: str
    answer: str
    reason: str
    cure: str = ""


class Window(NamedTuple):
    """A maintenance window: from ``opens`` to ``closes`` (both with a zone); None = always open."""

    opens: datetime | None = None
    closes: datetime | None = None
    problem: str = ""


class Case(NamedTuple):
    """All that the gates look at."""

    now: datetime
    environment: str
    release: Release
    bundle_digest: str
    ticket: Ticket
    approvals: Sequence[Approval]
    policy: Mapping[str, Any]
    window: Window


def overall(verdicts: Iterable[Verdict]) -> str:
    """The strictest answer of all."""
    answers = {verdict.answer for verdict in verdicts}
    return REFUSE if REFUSE in answers else HOLD if HOLD in answers else PASS


def decide(case: Case) -> list[Verdict]:
    """Every gate's verdict on the case, in the order they are shown."""
    return [
        _release_name(case), _ticket(case), *_approvals(case),
        _outage(case), _window(case), *_blackouts(case), _notice(case),
    ]


def window_rule(policy: Mapping[str, Any], release: Release) -> Mapping[str, Any]:
    """The rule of the inventory that a release's window follows; {rule: always} when it has none."""
    usual = policy.get("window") or ALWAYS_OPEN
    return (policy.get("outage_window") or usual) if release.needs_outage else usual


def judge_packages(findings: Sequence[Finding]) -> Verdict:
    """The verdict on a bundle's packages of database code, from what ``package_lint`` found."""
    wrong = errors(findings)
    told = [str(one) for one in wrong or findings]
    more = f"; and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    text = "; ".join(told[:SHOWN]) + more
    if wrong:
        return Verdict("packages", REFUSE, text, wrong[0].cure)
    return Verdict("packages", PASS, f"can be read and loaded{', but ' if text else ''}{text}")


def _release_name(case: Case) -> Verdict:
    pattern = case.policy.get("release_name_pattern") or DEFAULT_NAME_PATTERN
    if re.search(pattern, case.release.name):
        return Verdict("release_name", PASS, f"{case.release.name} fits {pattern} (A4)")
    return Verdict(
        "release_name", REFUSE, f"{case.release.name} does not fit the pattern {pattern} (A4)",
        "rename the release, or correct relmgmt_policy.release_name_pattern in the inventory",
    )


def _ticket(case: Case) -> Verdict:
    ticket = case.ticket
    if ticket.release != case.release.name:
        return Verdict(
            "ticket", REFUSE,
            f"the ticket is for {ticket.release}, the bundle is {case.release.name}",
            "correct the ticket's release or bundle",
        )
    if ticket.environment != case.environment:
        return Verdict(
            "ticket", REFUSE,
            f"the ticket is for environment {ticket.environment}, the inventory is {case.environment}",
            "run it with the inventory of the ticket's environment",
        )
    if ticket.test_mode:
        return Verdict(
            "ticket", REFUSE, "the ticket asks for test mode, which this version does not have",
            "run the release without test mode: 'test_mode: false'",
        )
    if ticket.kind not in ("regular", case.release.kind) and not ticket.reason:
        return Verdict(
            "ticket", REFUSE, f"a change of kind {ticket.kind} needs a reason (A11, A12)",
            "state it as 'reason:' in the ticket",
        )
    return Verdict("ticket", PASS, f"{ticket.change} authorises {ticket.release} on {case.environment}")


def _approvals(case: Case) -> list[Verdict]:
    return [_required(case, demand) for demand in case.policy.get("approvals", [])]


def _required(case: Case, demand: Mapping[str, Any]) -> Verdict:
    gate = demand["gate"]
    environment = demand.get("environment", case.environment)
    given = [
        approval for approval in case.approvals
        if approval.gate == gate and approval.environment in ("", environment)
    ]
    if not given:
        return Verdict(
            gate, HOLD, f"no {gate} for {case.ticket.change} on {environment}",
            f"relmgmt approve {case.ticket.change}.yml --gate {gate} --person NAME --role ROLE",
        )
    verdicts = [_judge(case, demand, environment, approval) for approval in given]
    passed = [verdict for verdict in verdicts if verdict.answer == PASS]
    return passed[0] if passed else verdicts[-1]


def _judge(
    case: Case, demand: Mapping[str, Any], environment: str, approval: Approval
) -> Verdict:
    again = f"have it given again: relmgmt approve {case.ticket.change}.yml --gate {approval.gate}"
    problem = (
        _wrong_person(case, demand, approval)
        or _wrong_digest(case, demand, environment, approval)
        or _wrong_time(case, approval)
    )
    if problem:
        return Verdict(approval.gate, REFUSE, problem, again)
    return Verdict(approval.gate, PASS, f"{approval.person} ({approval.role}), {approval.time}")


def _wrong_person(case: Case, demand: Mapping[str, Any], approval: Approval) -> str:
    if approval.person.casefold() == case.ticket.requested_by.casefold():
        return f"{approval.person} requested the change and cannot give its {approval.gate}"
    roles = [role.casefold() for role in demand.get("roles", [])]
    if roles and approval.role.casefold() not in roles:
        return f"{approval.gate} by {approval.person} as {approval.role}; it takes one of {', '.join(roles)}"
    return ""


def _wrong_digest(
    case: Case, demand: Mapping[str, Any], environment: str, approval: Approval
) -> str:
    elsewhere = environment != case.environment
    if elsewhere:
        wanted, given = case.bundle_digest, approval.bundle_digest
    else:
        wanted, given = approval_digest(case.bundle_digest, environment), approval.digest
    if given == wanted:
        return ""
    what = f"signed off in {environment} (A2)" if elsewhere else "approved"
    return f"the bundle is not the one that was {what}: {wanted[:12]}…, but {approval.gate} says {given[:12]}…"


def _wrong_time(case: Case, approval: Approval) -> str:
    given, expires = parse_time(approval.time), parse_time(approval.expires)
    if expires <= given:
        return f"{approval.gate} expires ({approval.expires}) before it was given ({approval.time})"
    if given > case.now:
        return f"{approval.gate} is dated in the future: {approval.time}"
    if expires <= case.now:
        return f"{approval.gate} by {approval.person} expired at {approval.expires}"
    return ""


def parse_time(text: str) -> datetime:
    """An ISO 8601 time with a zone; ValueError when the zone is missing."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(f"a time needs a zone: {text}")
    return moment


def _outage(case: Case) -> Verdict:
    """Closing the web entry is agreed with its users: a maintenance window is, an inventory without one must say so."""
    if not case.release.needs_outage:
        return Verdict("outage", PASS, "the web entry stays open")
    if case.ticket.kind == "emergency":
        return Verdict("outage", PASS, "the web entry is closed; an emergency may happen at any time (A1)")
    usual = case.policy.get("window") or ALWAYS_OPEN
    if case.policy.get("outage_window") or usual.get("rule") != ALWAYS_OPEN["rule"]:
        return Verdict("outage", PASS, "the web entry is closed inside the window agreed for it")
    return Verdict(
        "outage", REFUSE,
        "the release closes the web entry (its older WAR does not run on the newer database), and the inventory "
        "names no window for that",
        "name relmgmt_policy.outage_window, or release with older_war_runs_on_newer_database: true if that was tested",
    )


def _window(case: Case) -> Verdict:
    window = case.window
    if window.problem:
        return Verdict("window", REFUSE, window.problem, "choose a date under the inventory's window rule")
    if window.opens is None or window.closes is None:
        return Verdict("window", PASS, "always open")
    if case.ticket.kind == "emergency":
        return Verdict("window", PASS, "an emergency may happen at any time (A1)")
    span = f"{window.opens.isoformat()} to {window.closes.isoformat()}"
    if case.now < window.opens:
        return Verdict("window", HOLD, f"the window opens later: {span}", "wait for the window")
    if case.now >= window.closes:
        return Verdict(
            "window", REFUSE, f"the window was missed: {span}",
            "agree on a new date with the coordinator and correct the ticket; nothing runs late",
        )
    return Verdict("window", PASS, f"open: {span}")


def _blackouts(case: Case) -> list[Verdict]:
    found = []
    for blackout in case.policy.get("blackouts", []):
        if parse_time(blackout["from"]) <= case.now < parse_time(blackout["to"]):
            found.append(Verdict(
                "blackout", REFUSE, f"blackout until {blackout['to']}: {blackout.get('reason', '')}",
                "choose a date outside the blackout",
            ))
    return found


def _notice(case: Case) -> Verdict:
    days = int(case.policy.get("notice_days", 0))
    ticket = case.ticket
    if not days or ticket.kind != "regular":
        return Verdict("notice", PASS, "no notice period applies")
    if not ticket.notice_sent:
        return Verdict(
            "notice", REFUSE, f"no notice of the change was given; {days} days are due (A13, B2)",
            "send the notice and state 'notice_sent: YYYY-MM-DD', or make the change expedited with a reason",
        )
    sent, due = date.fromisoformat(ticket.notice_sent), date.fromisoformat(ticket.date)
    if due - sent < timedelta(days=days):
        return Verdict(
            "notice", REFUSE,
            f"notice was given on {sent}, {(due - sent).days} days before {due}; {days} are due (B2)",
            "choose a later date, or make the change expedited with a reason",
        )
    return Verdict("notice", PASS, f"given on {sent}, {(due - sent).days} days before")
