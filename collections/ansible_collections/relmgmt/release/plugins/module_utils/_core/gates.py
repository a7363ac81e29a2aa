# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates of a change cycle: pure decisions, each pass, hold or refuse, with its cure.

Hold: time or a person can still let it pass as it stands. Refuse: something must change first.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import Any, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._core.finding import Finding, errors
from ansible_collections.relmgmt.release.plugins.module_utils._core.release import (
    Approval,
    Release,
    Ticket,
    approval_digest,
    phases_of,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

PASS, HOLD, REFUSE = "pass", "hold", "refuse"
OF_DELIVERY = ("bundle", "packages", "release_name", "ticket")
#: findings on packages that a verdict names
SHOWN = 10
ALWAYS_OPEN = {"rule": "always"}
#: hours of test mode if the inventory gives none, and at most if its policy gives no other number
DEFAULT_HOURS, MOST_HOURS = 8.0, 72.0
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
    """All that the gates look at.

    ``interfaces`` and ``test_mode``: the inventory's ``relmgmt_interfaces`` (None where there are none) and
    ``relmgmt_test_mode``; ``checks_interfaces`` is false where no inventory was named. ``names``: its groups and hosts,
    empty where they are not known.
    """

    now: datetime
    environment: str
    release: Release
    bundle_digest: str
    ticket: Ticket
    approvals: Sequence[Approval]
    policy: Mapping[str, Any]
    window: Window
    interfaces: Optional[Sequence[Mapping[str, Any]]] = None
    test_mode: Mapping[str, Any] = {}
    checks_interfaces: bool = True
    names: Sequence[str] = ()

    @property
    def outage(self) -> bool:
        """Users are kept out: for the release, or for test mode."""
        return needs_outage(self.release, self.ticket)


def needs_outage(release: Release, ticket: Ticket) -> bool:
    """Is the web entry closed for this change?"""
    return release.needs_outage or ticket.enters_test_mode


def overall(verdicts: Iterable[Verdict]) -> str:
    """The strictest answer of all."""
    answers = {verdict.answer for verdict in verdicts}
    return REFUSE if REFUSE in answers else HOLD if HOLD in answers else PASS


def decide(case: Case) -> list[Verdict]:
    """Every gate's verdict on the case, in the order they are shown."""
    named = [] if case.ticket.on_demand else [_release_name(case)]
    return [
        *named, _ticket(case), *_approvals(case),
        _outage(case), _window(case), *_blackouts(case), _notice(case), *_test_mode(case),
    ]


def window_rule(policy: Mapping[str, Any], outage: bool) -> Mapping[str, Any]:
    """The rule of the inventory that a change's window follows; {rule: always} when it has none."""
    usual = policy.get("window") or ALWAYS_OPEN
    return (policy.get("outage_window") or usual) if outage else usual


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
    if ticket.on_demand:
        return Verdict("ticket", PASS, f"{ticket.change} authorises test mode on {case.environment}")
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
    if ticket.kind not in ("regular", case.release.kind) and not ticket.reason:
        return Verdict(
            "ticket", REFUSE, f"a change of kind {ticket.kind} needs a reason (A11, A12)",
            "state it as 'reason:' in the ticket",
        )
    return Verdict("ticket", PASS, f"{ticket.change} authorises {ticket.release} on {case.environment}")


def _approvals(case: Case) -> list[Verdict]:
    return [_required(case, demand) for demand in demanded(case.policy, case.ticket)]


def demanded(policy: Mapping[str, Any], ticket: Ticket) -> List[Mapping[str, Any]]:
    """The approvals that a change needs.

    Of test mode on demand those of ``relmgmt_policy.test_mode``, else the usual ones of this environment: there is no
    bundle that could have been signed off elsewhere.
    """
    usual = list(policy.get("approvals", []))
    if not ticket.on_demand:
        return usual
    own = _of_test_mode(policy).get("approvals")
    if own is not None:
        return list(own)
    return [one for one in usual if one.get("environment", ticket.environment) == ticket.environment]


def _of_test_mode(policy: Mapping[str, Any]) -> Mapping[str, Any]:
    return policy.get("test_mode") or {}


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
        phases = phases_of(case.ticket)
        wanted, given = approval_digest(case.bundle_digest, environment, phases), approval.digest
    if given == wanted:
        return ""
    what = f"signed off in {environment} (A2)" if elsewhere else "approved"
    thing = "ticket" if case.ticket.on_demand else "bundle"
    if not elsewhere and given == approval_digest(case.bundle_digest, environment, _other_phases(case.ticket)):
        how = "without" if case.ticket.enters_test_mode else "with"
        return f"{approval.gate} was given for this bundle {how} test mode"
    return f"the {thing} is not the one that was {what}: {wanted[:12]}…, but {approval.gate} says {given[:12]}…"


def _other_phases(ticket: Ticket) -> List[str]:
    """The phases of the same release, with test mode if this one is without, without it if it is with it."""
    return phases_of(ticket._replace(kind="regular", test_mode=not ticket.enters_test_mode))


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
    if not case.outage:
        return Verdict("outage", PASS, "the web entry stays open")
    if case.ticket.kind == "emergency":
        return Verdict("outage", PASS, "the web entry is closed; an emergency may happen at any time (A1)")
    usual = case.policy.get("window") or ALWAYS_OPEN
    if case.policy.get("outage_window") or usual.get("rule") != ALWAYS_OPEN["rule"]:
        return Verdict("outage", PASS, "the web entry is closed inside the window agreed for it")
    why = "its older WAR does not run on the newer database"
    who = f"the release closes the web entry ({why})"
    if case.ticket.enters_test_mode:
        return Verdict(
            "outage", REFUSE, "users are kept out while test mode is on, and the inventory names no window for that",
            "name relmgmt_policy.outage_window",
        )
    return Verdict(
        "outage", REFUSE, f"{who}, and the inventory names no window for that",
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
    ticket = case.ticket
    days = int((_of_test_mode(case.policy) if ticket.on_demand else case.policy).get("notice_days", 0))
    if not days or ticket.kind not in ("regular", "test_mode"):
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


# -- test mode ---------------------------------------------------------------------------------------


def _test_mode(case: Case) -> List[Verdict]:
    """May test mode be a part of this change: are the interfaces known, and has it an end?"""
    if not case.ticket.enters_test_mode or not case.checks_interfaces:
        return []
    if not case.interfaces:
        return [Verdict(
            "test_mode", REFUSE, "the inventory names no external interfaces",
            "list them as relmgmt_interfaces in group_vars/all (docs/test-mode.md)",
        )]
    # Imported here: most changes have nothing to do with test mode.
    from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import interfaces_of, unknown_hosts

    try:
        interfaces = interfaces_of(case.interfaces)
        names = [one.name for one in interfaces]
        nobody = unknown_hosts(interfaces, case.names) if case.names else []
        hours = hours_of(case.policy, case.test_mode)
    except InvalidInput as error:
        place = f" [{error.place}]" if error.place else ""
        return [Verdict("test_mode", REFUSE, f"{error.message}{place}", error.cure)]
    if nobody:
        return [Verdict(
            "test_mode", REFUSE, f"the inventory has no {', '.join(nobody)}: nobody would hold the setting",
            "correct 'hosts' in relmgmt_interfaces",
        )]
    until = datetime.fromtimestamp(ends_at(case), timezone.utc).isoformat(timespec="minutes")
    return [Verdict("test_mode", PASS, f"{', '.join(names)}; at most {hours:g} h, until {until}")]


def hours_of(policy: Mapping[str, Any], test_mode: Mapping[str, Any]) -> float:
    """Hours that test mode may last, as the inventory says; raises InvalidInput outside of its policy's limit."""
    most = float(_of_test_mode(policy).get("max_hours", MOST_HOURS))
    given = test_mode.get("hours", DEFAULT_HOURS)
    try:
        hours = float(given)
    except (TypeError, ValueError):
        hours = 0.0
    if not 0 < hours <= most:
        raise InvalidInput(
            f"test mode of {given} hours: it takes more than 0 and at most {most:g}", "relmgmt_test_mode.hours",
            "correct relmgmt_test_mode.hours, or relmgmt_policy.test_mode.max_hours",
        )
    return hours


def ends_at(case: Case) -> float:
    """When test mode has to be over, seconds since the epoch: after its hours, and not after the window."""
    end = case.now + timedelta(hours=hours_of(case.policy, case.test_mode))
    closes = case.window.closes
    return min(end, closes).timestamp() if closes is not None else end.timestamp()
