# SPDX-License-Identifier: GPL-3.0-or-later
"""Test mode as a state: what is allowed from which one, and who is refused while it lasts.

Pure. The document of a host in test mode is the ledger's ``mode`` of the name DOCUMENT:

    change, attempt, environment, person       who brought the host into it, on whose word
    state                                      entering, on, leaving or off
    entered_at, switched_at, ends_at, left_at  seconds since 1970
    switched_act                               number of the act of the newest switch to test
    points        {path: root digest} of this attempt's sets that were there on entering
    point         {instance, path, root_digest, taken_at} of the database it goes back to, else None
    here, interfaces, instance, websphere      as given on entering: leaving asks no inventory (invariant 14)
    previous      {key of a setting: its value before}, of the settings that are in no dataset
    without_fence 'NAME: REASON' of who accepts that no fence stands, else ""
    restored      {path, root_digest, at, host} of the restore that leaving relies on, else None
    ports_verified, outcome                    every setting was read as production; signed_off or rejected
"""

from __future__ import annotations

import datetime
from typing import Any, Dict, Mapping, NamedTuple, Optional

DOCUMENT, FENCE = "test_mode", "fence"
ENTERING, ON, LEAVING, OFF = "entering", "on", "leaving", "off"
#: states in which test settings, or test data, may be there
LASTING = frozenset([ENTERING, ON, LEAVING])
#: what may be asked for in which state, and the state it leads to
TRANSITIONS: Mapping[str, Mapping[str, str]] = {
    OFF: {"test": ENTERING, "production": OFF},
    ENTERING: {"test": ON, "production": LEAVING},
    ON: {"test": ON, "production": LEAVING},
    LEAVING: {"production": OFF},
}
_INVENTORY = ("interfaces", "instance", "websphere")


class Refusal(NamedTuple):
    """Why not, and what cures it."""

    message: str
    cure: str


def state_of(document: Optional[Mapping[str, Any]]) -> str:
    """The state that a document tells; OFF without one."""
    return str(document["state"]) if document else OFF


def lasts(document: Optional[Mapping[str, Any]]) -> bool:
    """Whether the host is in test mode, or on its way into or out of it."""
    return state_of(document) in LASTING


def is_back(document: Optional[Mapping[str, Any]]) -> bool:
    """Whether nothing of test mode is left but its last words: every setting was verified as production."""
    return not lasts(document) or bool(document and document["state"] == LEAVING and document["ports_verified"])


def way_out(change: str, state_dir: str) -> str:
    """How test mode is left, from the controller or on the host."""
    return (
        f"ansible-playbook playbooks/leave-test-mode.yml -e change={change} -e outcome=signed_off|rejected "
        f"-e confirmed_by=NAME, or on this host {state_dir}/bin/relmgmt-test-mode leave"
    )


def refusal(
    document: Optional[Mapping[str, Any]], change: str, state_dir: str, allowed: bool
) -> Optional[Refusal]:
    """Why work for ``change`` must wait until test mode is left; None when it may go on.

    ``allowed``: the work belongs to test mode itself, or goes back (invariant 14).
    """
    if document is None or allowed or not lasts(document):
        return None
    person = f" by {document['person']}" if document.get("person") else ""
    whose = "" if document["change"] == change else f", not {change}" if change else ""
    return Refusal(
        f"this host is in test mode ({document['state']}) for {document['change']}{whose}, entered{person} "
        f"at {moment(document['entered_at'])}", way_out(str(document["change"]), state_dir),
    )


def shown(document: Optional[Mapping[str, Any]]) -> Optional[Dict[str, Any]]:
    """The document without what the inventory told; None without one."""
    if document is None:
        return None
    return {key: value for key, value in document.items() if key not in _INVENTORY}


def moment(seconds: Optional[float]) -> str:
    """A time in UTC, as people read it; ``-`` for none."""
    if not seconds:
        return "-"
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
