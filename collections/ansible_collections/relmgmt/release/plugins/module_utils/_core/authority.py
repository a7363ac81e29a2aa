# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may change this host: decisions over the ledger's receipt and lease rows.

Pure: rows in, a refusal (message, cure) or None out.
"""

from __future__ import annotations

from typing import Any, Iterable, NamedTuple


class Refusal(NamedTuple):
    """Why not, and what cures it."""

    message: str
    cure: str


def holder_name(lease: dict[str, Any]) -> str:
    """The lease's holder in words: change, user, controller and process."""
    holder = lease["holder"]
    return (
        f"{lease['change']} (lease {lease['number']}, {holder.get('user', '?')} on "
        f"{holder.get('controller', '?')}, process {holder.get('pid', '?')}, "
        f"since {holder.get('started', '?')})"
    )


def change_refusal(
    change: str,
    host: dict[str, Any],
    receipt: dict[str, Any] | None,
    lease: dict[str, Any] | None,
    number: int | None,
    now: float,
    packages: Iterable[str],
    going_back: bool = False,
) -> Refusal | None:
    """Why a changing module must not work for ``change``; None when it may.

    ``host``: the ledger's host row; a host never seen counts as protected.
    ``number``: the lease number this run holds. ``packages``: SHA-256 of what it installs.
    """
    if not host.get("protected", True) and receipt is None:
        return None
    if going_back:
        return lease_refusal(change, lease, number)
    return (
        _receipt_refusal(change, receipt, now)
        or lease_refusal(change, lease, number)
        or _package_refusal(receipt or {}, packages)
    )


def _receipt_refusal(change: str, receipt: dict[str, Any] | None, now: float) -> Refusal | None:
    gate = f"ansible-playbook playbooks/release.yml -e change=<ticket of {change}>"
    if receipt is None:
        return Refusal(f"no gate has passed for {change or 'this change'} on this host", gate)
    if receipt["state"] != "open":
        return Refusal(
            f"the change cycle {change}-{receipt['attempt']} is closed ({receipt['verdict']})",
            f"start a new attempt: {gate}",
        )
    if now > receipt["expires"]:
        return Refusal(
            f"the receipt of {change}-{receipt['attempt']} has expired",
            f"pass the gate again ({gate}), or go back with playbooks/rollback.yml",
        )
    return None


def lease_refusal(
    change: str, lease: dict[str, Any] | None, number: int | None
) -> Refusal | None:
    """Why a run with this lease number must not act for ``change``; None when it may."""
    if lease is None or lease["state"] != "held":
        return Refusal(f"{change} holds no lease on this host", "start from the gate or a phase playbook")
    if lease["change"] != change:
        return Refusal(
            f"the environment is held by {holder_name(lease)}",
            "wait until that change cycle ends, or roll it back",
        )
    if number != lease["number"]:
        return Refusal(
            f"this run's lease number {number} is not the current one; held by {holder_name(lease)}",
            "this run is stale: stop it and look at the newer one",
        )
    return None


def _package_refusal(receipt: dict[str, Any], packages: Iterable[str]) -> Refusal | None:
    approved = set(receipt.get("packages", ()))
    for digest in packages:
        if digest not in approved:
            return Refusal(
                f"the package with sha256 {digest[:12]}… is not in the approved bundle",
                "deliver and install the packages of the bundle that was approved",
            )
    return None


class LeaseClaim(NamedTuple):
    """The outcome of asking for the lease: the number granted, or why not."""

    number: int
    refusal: Refusal | None = None


def claim_lease(
    change: str,
    lease: dict[str, Any] | None,
    number: int,
    proven_dead: int,
    holder_is_caller: bool,
    unfinished: str,
    person: str,
) -> LeaseClaim:
    """May ``change`` take the lease of this host?

    ``number``: what the environment's anchor host granted, 0 on the anchor itself.
    ``proven_dead``: the lease number whose holder the controller has proven dead, else 0.
    ``unfinished``: another change whose open attempt has changed this host, else "".
    ``person``: who takes over in person (name and reason), else "".
    """
    current = lease["number"] if lease else 0
    if unfinished and not person:
        return LeaseClaim(0, Refusal(
            f"change cycle {unfinished} is not finished on this host",
            f"finish it or roll it back: ansible-playbook playbooks/rollback.yml -e change=<ticket of {unfinished}>",
        ))
    held = lease is not None and lease["state"] == "held"
    if held and lease is not None and holder_is_caller and lease["change"] == change:
        return LeaseClaim(current) if number in (0, current) else LeaseClaim(number)
    if number:
        return _follow_anchor(lease, current, number)
    if held and lease is not None and proven_dead != current and not person:
        return LeaseClaim(0, Refusal(
            f"the environment is held by {holder_name(lease)}",
            "wait until that run ends; if its controller is lost for good, a named person takes over "
            "with -e relmgmt_take_over='NAME: REASON'",
        ))
    return LeaseClaim(current + 1)


def _follow_anchor(lease: dict[str, Any] | None, current: int, number: int) -> LeaseClaim:
    if number > current:
        return LeaseClaim(number)
    return LeaseClaim(0, Refusal(
        f"this host has already seen lease number {current}; {number} is stale"
        + (f"; held by {holder_name(lease)}" if lease else ""),
        "stop this run and look at the newer one",
    ))
