# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's memory of notices: an act of module ``notice``, its target the marker.

No receipt is asked for: a notice changes nothing on the host, and the one that says how a
change cycle ended comes after its receipt was closed.
"""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown, InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome

MODULE = "notice"
NOTHING = {"kind": "nothing"}  # a mail cannot be taken back


def work(host: Host) -> Outcome:
    """Look whether the marker is in the ledger; with ``mark: record`` enter it."""
    change, marker = host.params.get("change") or "", host.params["marker"]
    if not change:
        raise InvalidInput("a notice belongs to a change", "option change", "give the ticket's number")
    recorded = is_recorded(host, change, marker)
    if host.params["mark"] == "look" or recorded:
        return Outcome(False, {"recorded": recorded})
    if not host.check_mode:
        record(host, change, marker)
    return Outcome(True, {"recorded": True})


def is_recorded(host: Host, change: str, marker: str) -> bool:
    """Whether any attempt of the change sent the notice."""
    return any(
        act["module"] == MODULE and act["target"] == marker and act["outcome"] == "done"
        for act in host.ledger.acts(change)
    )


def record(host: Host, change: str, marker: str) -> None:
    """Enter the notice; a host that no gate has met has no ledger to enter it in."""
    if not os.path.exists(host.ledger.path):
        raise HostStateUnknown(
            "this host has no ledger yet", host.ledger.path, "send the notice from a host that has passed a gate"
        )
    receipt: dict[str, Any] = host.ledger.receipt(change) or {}
    number = host.ledger.begin_act(
        change=change, attempt=receipt.get("attempt", 0), release=receipt.get("release", ""),
        phase=host.params.get("phase") or "", module=MODULE, target=marker,
        intent={"send": marker}, undo=NOTHING,
    )
    host.ledger.finish_act(number, "done", {})
