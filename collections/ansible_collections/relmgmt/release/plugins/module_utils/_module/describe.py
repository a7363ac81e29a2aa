# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ``release_info``: what the ledger says, and what is really there."""

from __future__ import annotations

from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode import DOCUMENT, FENCE, shown
from ansible_collections.relmgmt.release.plugins.module_utils._ledger_view import LedgerView
from ansible_collections.relmgmt.release.plugins.module_utils._module.acts import can_be_undone, to_undo
from ansible_collections.relmgmt.release.plugins.module_utils._module.at_work import at_work
from ansible_collections.relmgmt.release.plugins.module_utils._module.observe import look
from ansible_collections.relmgmt.release.plugins.module_utils._module.view import HostView, Outcome


def describe(host: HostView) -> Outcome:
    """What this host's ledger says, and what is really there."""
    ledger, change = host.ledger, host.params["change"]
    currents = ledger.currents()
    drift, notes = look(currents)
    return Outcome(False, {
        "host": ledger.host(),
        "lease": ledger.lease(),
        "receipts": [_receipt_row(ledger, row) for row in ledger.receipts()],
        "current": {
            row["component"]: {k: row[k] for k in ("release", "digest", "change", "since")}
            for row in currents
        },
        "drift": drift,
        "notes": notes,
        "acts": [_short(act) for act in ledger.acts(change)[: host.params["newest"]]],
        "points": ledger.points(change),
        "workers": at_work(host.state_dir),
        "test_mode": shown(ledger.mode(DOCUMENT)),
        "fence": ledger.mode(FENCE),
        "audit": {**ledger.audit_head(), "broken_at": ledger.audit_break()},
    })


def _receipt_row(ledger: LedgerView, receipt: dict[str, Any]) -> dict[str, Any]:
    row = {key: value for key, value in receipt.items() if key not in ("packages", "report")}
    acts = to_undo(ledger, receipt["change"])
    in_force: dict[str, set[str]] = {}
    for act in acts:
        in_force.setdefault(act["module"], set()).add(act["target"])
    return {**row, "to_undo": len(acts), "in_force": {module: sorted(targets) for module, targets in in_force.items()}}


def _short(act: dict[str, Any]) -> dict[str, Any]:
    keys = ("id", "change", "attempt", "phase", "module", "target", "outcome", "started_at", "finished_at")
    return {**{key: act[key] for key in keys}, "undone": act["undone_at"] is not None,
            "can_be_undone": can_be_undone(act)}
