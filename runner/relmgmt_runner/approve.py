# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's recorded yes, bound to the digest of what it is for (A3, A6, A7, T33, T34)."""

from __future__ import annotations

import fcntl
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.gates import parse_time
from ansible_collections.relmgmt.release.plugins.module_utils._core.release import Ticket, approval_digest, phases_of
from ansible_collections.relmgmt.release.plugins.module_utils._files import write_durably
from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle import (
    approvals_path,
    bundle_of,
    load_ticket,
)
from relmgmt_runner.errors import RefusedError, UsageError
from relmgmt_runner.yamltext import append_entry

HEADER = "# Approvals of {change}, added by `relmgmt approve`; bound to the bundle's digest.\n"


class Given(NamedTuple):
    """What the person says. ``environment`` and ``expires`` may be empty."""

    gate: str
    person: str
    role: str
    environment: str = ""
    expires: str = ""


def approve(change: Path, given: Given, now: datetime, days: int = 14) -> dict[str, str]:
    """Add the approval beside the ticket; returns the entry. Without ``expires`` it lasts ``days``."""
    with change.open("rb") as ticket_file:
        fcntl.flock(ticket_file, fcntl.LOCK_EX)  # two people approve at the same time
        ticket, _approvals, bundle_path = load_ticket(str(change))
        _check_person(ticket, given)
        entry = entry_of(ticket, bundle_of(ticket, bundle_path).digest, given, now, days)
        path = Path(approvals_path(str(change)))
        text = path.read_text(encoding="utf-8") if path.exists() else HEADER.format(change=ticket.change)
        write_durably(str(path), append_entry(text, "approvals", entry).encode("utf-8"))
    return entry


def entry_of(ticket: Ticket, bundle: str, given: Given, now: datetime, days: int) -> dict[str, str]:
    """The approval as the document has it; one for another environment is a sign-off of the bundle itself."""
    environment = given.environment or ticket.environment
    entry = {
        "gate": given.gate,
        "environment": environment,
        "person": given.person.strip(),
        "role": given.role.strip(),
        "time": now.isoformat(timespec="seconds"),
        "expires": _expiry(given.expires, now, days),
    }
    if environment == ticket.environment:
        return {**entry, "digest": approval_digest(bundle, environment, phases_of(ticket))}
    return {**entry, "bundle_digest": bundle}


def _expiry(text: str, now: datetime, days: int) -> str:
    if not text:
        return (now + timedelta(days=days)).isoformat(timespec="seconds")
    try:
        expires = parse_time(text)
    except ValueError as error:
        raise UsageError(f"--expires: {error}", text, "write it like 2026-12-06T06:00:00+01:00") from error
    if expires <= now:
        raise RefusedError("an approval that is over when it is given", text, "give a later --expires")
    return expires.isoformat(timespec="seconds")


def _check_person(ticket: Ticket, given: Given) -> None:
    if not given.person.strip() or not given.role.strip():
        raise UsageError("an approval needs a person and a role", "", "give --person and --role")
    if not all(value.isprintable() for value in given):
        raise UsageError("an approval with characters that cannot be shown", "", "type it again")
    if given.person.strip().casefold() == ticket.requested_by.strip().casefold():
        raise RefusedError(
            f"{given.person} requested {ticket.change} and cannot approve it",
            f"requested_by: {ticket.requested_by}", "let another person decide (four eyes)",
        )
