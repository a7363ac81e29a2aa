# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a ticket, its approvals and its bundle with the gates' own decisions; no host is touched."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._core import gates
from ansible_collections.relmgmt.release.plugins.module_utils._core.release import Approval, Ticket
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput
from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle import (
    Bundle,
    bundle_of,
    load_bundle,
    load_ticket,
)
from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle_lint import lint_bundle
from ansible_collections.relmgmt.release.plugins.plugin_utils.window import window_on
from relmgmt_runner.errors import DONE, REFUSED, USAGE, UsageError

INVALID = "invalid"


class Finding(NamedTuple):
    """One thing looked at. ``answer``: pass, hold, refuse or invalid."""

    subject: str
    answer: str
    reason: str
    cure: str = ""

    def __str__(self) -> str:
        cure = f"\n         cure: {self.cure}" if self.answer != gates.PASS and self.cure else ""
        return f"{self.answer:<8} {self.subject}: {self.reason}{cure}"


def validate(path: Path, hosts: Mapping[str, Mapping[str, Any]] | None, now: datetime) -> list[Finding]:
    """Findings on a change ticket (a file) or a bundle (a directory).

    ``hosts``: the inventory's variables by host; None when no inventory was named.
    """
    if path.is_dir():
        return _bundle(str(path))[0]
    try:
        ticket, approvals, bundle_path = load_ticket(str(path))
    except InvalidInput as error:
        return [_invalid("ticket", error)]
    if ticket.on_demand:
        return _gates(ticket, approvals, bundle_of(ticket, bundle_path), hosts, now)
    findings, bundle = _bundle(bundle_path)
    if bundle is None:
        return findings
    return [*findings, *_gates(ticket, approvals, bundle, hosts, now)]


def status_of(findings: list[Finding]) -> int:
    """0 when nothing is wrong, 2 for an invalid document, 4 when a gate would refuse.

    What holds, such as a window that opens later, is not wrong.
    """
    answers = {finding.answer for finding in findings}
    return USAGE if INVALID in answers else REFUSED if gates.REFUSE in answers else DONE


def _bundle(path: str) -> tuple[list[Finding], Bundle | None]:
    try:
        bundle = load_bundle(path)
    except InvalidInput as error:
        return [_invalid("bundle", error)], None
    reason = f"{bundle.name}, {len(bundle.files)} files as sealed, digest {bundle.digest}"
    packages = gates.judge_packages(lint_bundle(bundle))
    return [Finding("bundle", gates.PASS, reason), Finding(*packages)], bundle


def _gates(
    ticket: Ticket, approvals: list[Approval], bundle: Bundle,
    hosts: Mapping[str, Mapping[str, Any]] | None, now: datetime,
) -> list[Finding]:
    try:
        environment, policy = _rules(ticket, approvals, hosts)
        outage = gates.needs_outage(bundle.release, ticket)
        window = window_on(gates.window_rule(policy, outage), ticket.date)
        case = gates.Case(
            now, environment, bundle.release, bundle.digest, ticket, approvals, policy, window,
            _optional(hosts, "relmgmt_interfaces"), _optional(hosts, "relmgmt_test_mode") or {}, hosts is not None,
        )
        findings = [Finding(*verdict) for verdict in gates.decide(case)]
    except InvalidInput as error:
        return [_invalid("inventory", error)]
    if hosts is None:
        findings.append(Finding(
            "inventory", gates.HOLD, "not named: required approvals, window, blackouts and notice were not checked",
            "add -i INVENTORY",
        ))
    return findings


def _rules(
    ticket: Ticket, approvals: list[Approval], hosts: Mapping[str, Mapping[str, Any]] | None
) -> tuple[str, dict[str, Any]]:
    """Environment and policy: the inventory's, or without one what the documents say of themselves."""
    if hosts is None:
        given = dict.fromkeys((a.gate, a.environment or ticket.environment) for a in approvals)
        demands = [{"gate": gate, "environment": environment} for gate, environment in given]
        return ticket.environment, {"approvals": demands, "outage_window": gates.ALWAYS_OPEN}
    return str(_agreed(hosts, "relmgmt_environment")), dict(_agreed(hosts, "relmgmt_policy"))


def _agreed(hosts: Mapping[str, Mapping[str, Any]], name: str) -> Any:
    values = [variables[name] for variables in hosts.values() if name in variables]
    if not values:
        raise UsageError(f"the inventory does not say {name}", "", "set it in group_vars/all.yml")
    if any(value != values[0] for value in values):
        raise UsageError(f"the inventory's hosts differ in {name}", "", "set it once, in group_vars/all.yml")
    return values[0]


def _optional(hosts: Mapping[str, Mapping[str, Any]] | None, name: str) -> Any:
    """A variable that not every environment has; None without it."""
    known = hosts or {}
    return _agreed(known, name) if any(name in variables for variables in known.values()) else None


def _invalid(subject: str, error: InvalidInput) -> Finding:
    place = f" [{error.place}]" if error.place else ""
    return Finding(subject, INVALID, error.message + place, error.cure)
