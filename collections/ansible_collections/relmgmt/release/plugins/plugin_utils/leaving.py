# SPDX-License-Identifier: GPL-3.0-or-later
"""What the change cycle of a run says of test mode: on entering, on any way back, and on leaving."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._core.release import CODE, Release, Ticket
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_holder import Holder
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput, Refused, RelmgmtError
from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle import bundle_of

SIGNED_OFF, REJECTED = "signed_off", "rejected"
OUTCOMES = (SIGNED_OFF, REJECTED)
States = Mapping[str, Mapping[str, Any]]


def of_entry(
    ticket: Ticket, interfaces: Sequence[Mapping[str, Any]] | None, options: Mapping[str, Any], known: Mapping[str, Any]
) -> dict[str, Any]:
    """The cycle's keys on test mode where it goes forward. ``options``: the inventory's ``relmgmt_test_mode``."""
    return {
        "test_mode": ticket.enters_test_mode, "on_demand": ticket.on_demand, "leaving": False, "outcome": "",
        "interfaces": list(interfaces or []) if ticket.enters_test_mode else [],
        "point": "before" if ticket.on_demand else "installed",
        "point_max_age": int(options.get("point_max_age", 3600)),
        "person": _person(known, "entered_by"),
        # Nobody but the release writes until testers are told: what a failed entry loses is its own.
        "confirmed_by": f"{_person(known, 'entered_by')}, who entered test mode under {ticket.change}",
    }


def of_way_back(
    ticket: Ticket, holders: Sequence[Holder], interfaces: Sequence[Mapping[str, Any]] | None, known: Mapping[str, Any]
) -> dict[str, Any]:
    """The same where it goes back; what is in test mode is told by the hosts, not by the ticket."""
    person = _person(known, "confirmed_by")
    return {
        "test_mode": bool(holders), "on_demand": ticket.on_demand, "leaving": False,
        "outcome": REJECTED, "interfaces": _sound(interfaces), "point": "before", "point_max_age": 0,
        "person": person, "ends_at": 0.0,
        "confirmed_by": str(known.get("relmgmt_lose_writes_confirmed_by") or "") or person,
    }


def _sound(interfaces: Sequence[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    """The inventory's interfaces; none if they are wrong by now: that keeps nothing from going back (invariant 14)."""
    # Imported here: most ways back have nothing to do with test mode.
    from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import interfaces_of

    try:
        interfaces_of(interfaces or [])
    except InvalidInput:
        return []
    return list(interfaces or [])


def of_leaving(states: States, ticket: Ticket, bundle_path: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """What leaving adds. The bundle is only asked for the pages' checks; without it the tests end as well."""
    signed_off = known["outcome"] == SIGNED_OFF
    rest: dict[str, Any] = {
        "leaving": True, "going_back": not signed_off, "outcome": known["outcome"], "outage": True,
        "point": "before" if ticket.on_demand or not signed_off else "installed",
    }
    if signed_off:
        rest.update(_of_bundle(states, ticket, bundle_path))
    return rest


def _of_bundle(states: States, ticket: Ticket, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {"summary": ticket.summary, "work_items": [],
                             "packages": {"code": [], "war": [], "static_zip": []}}
    try:
        bundle = bundle_of(ticket, path)
    except (RelmgmtError, OSError):
        return found
    digests = {row["bundle_digest"] for state in states.values() if (row := state.get("receipt"))}
    if digests != {bundle.digest}:
        return found
    release = bundle.release
    return {"summary": release.summary, "work_items": release.work_items, "completeness": release.completeness,
            "bundle_digest": bundle.digest, "packages": packages_of(release)}


def packages_of(release: Release) -> dict[str, list[dict[str, Any]]]:
    """The packages as the phases take them."""
    return {"code": release.packages_of(*CODE), **{kind: release.packages_of(kind) for kind in ("war", "static_zip")}}


def is_on(states: States, change: str) -> bool:
    """Every host is in test mode for this change already."""
    modes = [state.get("test_mode") or {} for state in states.values()]
    return all(mode.get("state") == "on" and mode.get("change") == change for mode in modes)


def is_needed(states: States, holders: Sequence[Holder]) -> bool:
    """Leaving has something to do: a host is in test mode, or the cycle of this change is open."""
    receipts = [row for state in states.values() if (row := state.get("receipt"))]
    return bool(holders) or any(row["state"] == "open" for row in receipts)


def check_outcome(states: States, ticket: Ticket, known: Mapping[str, Any]) -> None:
    """Leaving needs to be told how the tests ended and who says so; raises before anything is touched."""
    outcome = known.get("outcome")
    if outcome not in OUTCOMES:
        said = "no outcome of the tests was given" if not outcome else f"no such outcome of tests: {outcome}"
        raise InvalidInput(said, place="-e outcome", cure="add -e outcome=signed_off or -e outcome=rejected")
    if not str(known.get("confirmed_by") or "").strip():
        raise InvalidInput("nobody confirms the outcome: what testers wrote will be lost", place="-e confirmed_by",
                           cure="add -e confirmed_by=NAME, the person who signs off or rejects")
    if outcome == SIGNED_OFF:
        _check_signed_off(states, ticket)


def _check_signed_off(states: States, ticket: Ticket) -> None:
    modes = [mode for state in states.values() if (mode := state.get("test_mode")) and mode["change"] == ticket.change]
    if any(mode.get("outcome") == REJECTED for mode in modes):
        raise Refused(f"the tests of {ticket.change} were rejected, and the way back has begun", place="-e outcome",
                      cure="go on with -e outcome=rejected")
    receipts = [row for state in states.values() if (row := state.get("receipt"))]
    is_open = any(row["state"] == "open" for row in receipts)
    if is_open and not any(mode["state"] in ("on", "leaving", "off") for mode in modes):
        raise Refused(
            f"{ticket.change} was never wholly in test mode: nobody can have tested", place="-e outcome",
            cure="-e outcome=rejected goes back; playbooks/enter-test-mode.yml goes on",
        )


def check_going_back(holders: Sequence[Holder], change: str, known: Mapping[str, Any]) -> None:
    """A rollback while testers work rejects what they test, and somebody has to say so."""
    confirmed = known.get("confirmed_by") or known.get("relmgmt_lose_writes_confirmed_by")
    if any(one.state == "on" and one.change == change for one in holders) and not confirmed:
        raise InvalidInput(
            "test mode is on: going back rejects the tests, and what testers wrote will be lost",
            place="-e confirmed_by", cure="add -e confirmed_by=NAME, the person who rejects",
        )


def _person(known: Mapping[str, Any], name: str) -> str:
    return str(known.get(name) or "").strip() or getpass.getuser()
