# SPDX-License-Identifier: GPL-3.0-or-later
"""What the acts of a change come to: what a rollback of it has to bring back."""

from __future__ import annotations

from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._ledger_view import LedgerView

NOTHING = "nothing"


def can_be_undone(act: dict[str, Any]) -> bool:
    """The act has changed, or may have changed, what a rollback has to bring back."""
    return bool(act["undo"].get("kind", NOTHING) != NOTHING)


def to_undo(ledger: LedgerView, change: str) -> list[dict[str, Any]]:
    """Acts of a change that can be undone and were not, newest first."""
    return [
        act for act in ledger.acts(change)
        if can_be_undone(act) and act["undone_at"] is None
    ]


def unfinished_other(ledger: LedgerView, change: str) -> str:
    """Another change with an open attempt that has changed this host, or an empty string."""
    for receipt in ledger.receipts():
        is_other = receipt["state"] == "open" and receipt["change"] != change
        if is_other and to_undo(ledger, receipt["change"]):
            return str(receipt["change"])
    return ""
