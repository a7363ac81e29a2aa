# SPDX-License-Identifier: GPL-3.0-or-later
"""Receipts and leases on one host: what the modules ``receipt`` and ``lease`` do."""

from __future__ import annotations

from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._core import authority, test_mode
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    InvalidInput,
    LeaseHeld,
    ReceiptMissing,
    Refused,
)
from ansible_collections.relmgmt.release.plugins.module_utils._module.acts import (
    can_be_undone,
    to_undo,
    unfinished_other,
)
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome

HOLDER_SPEC: dict[str, dict[str, Any]] = {
    "holder": {"type": "dict", "default": {}},
    "number": {"type": "int", "default": 0},
    "proven_dead": {"type": "int", "default": 0},
    "take_over": {"type": "str", "default": ""},
}
SAME_RUN = ("controller", "boot_id", "pid", "pid_started")


def take_lease(host: Host) -> tuple[bool, int]:
    """Take, keep or follow the environment's lease; raises LeaseHeld when it is not to be had."""
    p, ledger = host.params, host.ledger
    lease = ledger.lease()
    if not p["take_over"] and not p.get("going_back"):
        _leave_test_mode_alone(host)
    holder = p["holder"]
    is_caller = lease is not None and all(
        str(lease["holder"].get(key)) == str(holder.get(key)) for key in SAME_RUN
    )
    claim = authority.claim_lease(
        p["change"], lease, p["number"], p["proven_dead"], is_caller,
        unfinished_other(ledger, p["change"]), p["take_over"],
    )
    if claim.refusal is not None:
        raise LeaseHeld(claim.refusal.message, place=ledger.path, cure=claim.refusal.cure, lease=lease)
    held = lease is not None and lease["state"] == "held" and lease["change"] == p["change"]
    if held and lease is not None and is_caller and claim.number == lease["number"]:
        return False, claim.number
    if not host.check_mode:
        note = {"taken_over_by": p["take_over"]} if p["take_over"] else {}
        ledger.take_lease(p["change"], {**holder, **note}, claim.number)
    return True, claim.number


def _leave_test_mode_alone(host: Host, changes_it: str = "") -> None:
    """Refuse while another change holds this host in test mode; with ``changes_it`` (why), any change's."""
    document = host.ledger.mode(test_mode.DOCUMENT)
    same = document is not None and document["change"] == host.params["change"] and not changes_it
    refusal = test_mode.refusal(document, host.params["change"], host.state_dir, same)
    if refusal is not None:
        raise Refused(changes_it + refusal.message, place=host.ledger.path, cure=refusal.cure)


def join(host: Host) -> Outcome:
    """The lease of a change that has passed its gate, or that goes back."""
    receipt = host.ledger.receipt(host.params["change"])
    if not host.params["going_back"]:
        _require_open(host, receipt)
    if receipt is None:
        return Outcome(False, {"number": 0, "attempt": 0, "receipt": None}, message="never worked here")
    changed, number = take_lease(host)
    return Outcome(changed, {"number": number, "attempt": receipt["attempt"], "receipt": receipt})


def _require_open(host: Host, receipt: dict[str, Any] | None) -> None:
    if host.check_mode:
        return
    change = host.params["change"]
    if receipt is None or receipt["state"] != "open":
        state = "no gate has passed" if receipt is None else f"the cycle is closed ({receipt['verdict']})"
        raise ReceiptMissing(
            f"{state} for {change} on this host", place=host.ledger.path,
            cure=f"ansible-playbook playbooks/release.yml -e change=<ticket of {change}>",
        )
    digest = host.params["bundle_digest"]
    if digest and digest != receipt["bundle_digest"]:
        raise Refused(
            f"the bundle of {change} is not the one the gate passed: {digest[:12]}…, "
            f"the receipt says {receipt['bundle_digest'][:12]}…", place=host.ledger.path,
            cure="bring the approved bundle back, or roll back and pass the gate again",
        )


def open_receipt(host: Host) -> Outcome:
    """The gate's receipt and the lease stand in this host's ledger."""
    p, ledger = host.params, host.ledger
    _check_host(host)
    _leave_test_mode_alone(host)
    before = ledger.receipt(p["change"])
    resumed = before is not None and before["state"] == "open"
    other_bundle = before is not None and resumed and before["bundle_digest"] != p["bundle_digest"]
    if other_bundle and to_undo(ledger, p["change"]):
        raise Refused(
            f"the open attempt of {p['change']} was begun with another bundle",
            place=ledger.path, cure="roll it back first: playbooks/rollback.yml",
        )
    changed, number = take_lease(host)
    if not host.check_mode:
        _write_receipt(host, before if resumed else None)
    record = {"number": number, "attempt": p["attempt"], "resumed": resumed}
    return Outcome(True if not resumed else changed, record)


def _check_host(host: Host) -> None:
    """The host remembers its environment and never becomes less protected (invariant 5)."""
    p, known = host.params, host.ledger.host()
    for key, weaker in (("protected", False), ("sandbox", True)):
        if known and known.get(key) is not None and known[key] != p[key] and p[key] == weaker:
            raise Refused(
                f"this host was enrolled with {key}={known[key]}, the inventory now says {p[key]}",
                place=host.ledger.path,
                cure=f"use the inventory of environment {known.get('environment')}; to change what the "
                "host is, its administrator edits the ledger's table 'host'",
            )
    if known and known.get("environment") != p["environment"]:
        raise Refused(
            f"this host belongs to environment {known.get('environment')}, not {p['environment']}",
            place=host.ledger.path, cure="use the inventory of that environment",
        )
    if p["clock"] == "injected" and not p["sandbox"]:
        raise Refused("a clock may be injected only in a sandbox", cure="leave relmgmt_now out")
    if not host.check_mode and known != {k: p[k] for k in ("environment", "protected", "sandbox")}:
        host.ledger.set_host(environment=p["environment"], protected=p["protected"], sandbox=p["sandbox"])


def _write_receipt(host: Host, open_one: dict[str, Any] | None) -> None:
    p, ledger = host.params, host.ledger
    for other in ledger.receipts():
        if other["state"] == "open" and (other["change"], other["attempt"]) != (p["change"], p["attempt"]):
            ledger.close_receipt(other["change"], other["attempt"], "not_started")
    columns = ("change", "attempt", "release", "bundle_digest", "plan_digest", "environment",
               "packages", "report", "clock", "expires")
    if open_one is not None and open_one["attempt"] == p["attempt"]:
        ledger.renew_receipt(**{key: p[key] for key in columns})
    else:
        ledger.add_receipt(**{key: p[key] for key in columns})


VERIFY = "verify"


def verified(host: Host) -> Outcome:
    """The ledger says that the release was verified on this host, after its newest act."""
    host.guard(in_test_mode=True)
    if _is_verified(host):
        return Outcome(False, {"verified": True})
    if not host.check_mode:
        with host.act(VERIFY, "completeness", {}, {}):
            pass
    return Outcome(True, {"verified": True})


def _is_verified(host: Host) -> bool:
    """No act that changed the release is newer than the newest verification."""
    for act in host.ledger.acts(host.params["change"]):
        if act["module"] == VERIFY and act["outcome"] == "done":
            return True
        if can_be_undone(act):
            return False
    return False


def close(host: Host) -> Outcome:
    """The change cycle is closed on this host and its lease is free."""
    p, ledger = host.params, host.ledger
    receipt = ledger.receipt(p["change"])
    settled = receipt is not None and receipt["state"] == "closed" and (
        receipt["verdict"] in (p["verdict"], "not_started") or p["verdict"] != "rolled_back"
    )
    still_in_force = p["verdict"] == "rolled_back" and bool(to_undo(ledger, p["change"]))
    if receipt is None or settled or still_in_force:
        return Outcome(_free(host), {"receipt": receipt})
    if p["verdict"] == "done" and (refusal := authority.lease_refusal(
        p["change"], ledger.lease(), p["lease"]
    )):
        raise Refused(refusal.message, place=ledger.path, cure=refusal.cure)
    if p["verdict"] in ("done", "rolled_back"):
        _leave_test_mode_alone(host, f"the change cycle cannot be closed as {p['verdict']}: ")
    if p["verdict"] == "done" and not _is_verified(host):
        raise Refused(
            f"{p['change']} was not verified on this host since its newest act",
            place=ledger.path, cure="ansible-playbook playbooks/verify.yml -e change=<ticket>",
        )
    if not p["verdict"]:
        raise InvalidInput("a closed receipt needs a verdict", cure="give verdict")
    if not host.check_mode:
        ledger.close_receipt(p["change"], receipt["attempt"], p["verdict"])
    _free(host)
    return Outcome(True, {"receipt": ledger.receipt(p["change"])})


def _free(host: Host) -> bool:
    """Give the lease back if this change holds it; True when it did."""
    lease = host.ledger.lease()
    if lease is None or lease["state"] != "held" or lease["change"] != host.params["change"]:
        return False
    if not host.check_mode:
        host.ledger.free_lease(host.params["change"])
    return True
