# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds an environment in test mode, and what the gate says to a change that wants to go forward meanwhile."""

from __future__ import annotations

from typing import Any, List, Mapping, NamedTuple, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._core.gates import REFUSE, Verdict
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode import (
    ENTERING,
    LASTING,
    ON,
    moment,
    way_out,
)

#: the fence stands, and no port was switched yet, or all were switched back
FENCED = "fenced"


class Holder(NamedTuple):
    """Who holds a host in test mode, or has left its fence standing."""

    host: str
    change: str
    state: str
    person: str
    since: str

    def __str__(self) -> str:
        return f"{self.host} ({self.words})"

    @property
    def words(self) -> str:
        """For whom, by whom, since when."""
        who = f", entered by {self.person}" if self.person else ""
        return f"{self.change}, {self.state}{who}, since {self.since}"


def holders(hosts: Mapping[str, Mapping[str, Any]]) -> List[Holder]:
    """The hosts that are in test mode, from what ``release_info`` said of each."""
    found = []
    for name, state in hosts.items():
        mode, fence = state.get("test_mode") or {}, state.get("fence") or {}
        if mode.get("state") in LASTING:
            found.append(Holder(name, str(mode.get("change", "?")), str(mode["state"]),
                                str(mode.get("person", "")), moment(mode.get("entered_at"))))
        elif fence:
            change = str(fence.get("change") or _open_change(state))
            found.append(Holder(name, change, FENCED, "", moment(fence.get("since"))))
    return found


def _open_change(state: Mapping[str, Any]) -> str:
    """The change whose cycle is open on a host; the newest if there are several."""
    return next((str(row["change"]) for row in reversed(state.get("receipts", [])) if row["state"] == "open"), "?")


def judge_holders(found: Sequence[Holder], change: str, entering: bool, state_dir: str) -> List[Verdict]:
    """The gate's word on a change that goes forward while hosts are in test mode.

    ``entering``: the run enters test mode, and so goes on with what an earlier run of the same change has begun.
    A fence alone keeps nothing of the same change from going on: no port was switched.
    """
    stops = [one for one in found if one.change != change or not _goes_on(one, entering)]
    if not stops:
        return []
    first = stops[0]
    cure = way_out(f"TICKET_OF_{first.change}", state_dir)
    if first.change == change and first.state == ENTERING:
        cure = f"go on: ansible-playbook playbooks/enter-test-mode.yml -e change=TICKET_OF_{change}; or back: {cure}"
    return [Verdict("test_mode_is_on", REFUSE, "test mode is on: " + "; ".join(str(one) for one in stops), cure)]


def _goes_on(one: Holder, entering: bool) -> bool:
    return one.state == FENCED or (entering and one.state in (ENTERING, ON))
