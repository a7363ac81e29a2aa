# SPDX-License-Identifier: GPL-3.0-or-later
"""The fence of test mode stands on this host, or is gone: the work of interface_fence.

The ledger's document ``fence`` says what is there while there is one:

    state   raising, standing or removing; in the first and the last only looking tells what stands
    table, nft, boot, since    as given; seconds since 1970
    rules   [{interface, direction, protocol, address, port}]
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._core import test_mode
from ansible_collections.relmgmt.release.plugins.module_utils._core.fence import (
    Rule,
    as_lines,
    concerned,
    rules_for,
    rules_in,
    script,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import interfaces_of
from ansible_collections.relmgmt.release.plugins.module_utils._errors import FenceError, InvalidInput, Refused
from ansible_collections.relmgmt.release.plugins.module_utils._fence import boot as booting
from ansible_collections.relmgmt.release.plugins.module_utils._fence.boot import Boot, boot_of
from ansible_collections.relmgmt.release.plugins.module_utils._fence.nft import Fence, Standing, program
from ansible_collections.relmgmt.release.plugins.module_utils._fence.resolve import resolve
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._module.interface_spec import INTERFACES_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome

FENCE_SPEC: Dict[str, Any] = {
    **INTERFACES_SPEC,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "here": {"type": "list", "elements": "str", "default": []},
    "table": {"type": "str", "default": "relmgmt_fence"},
    "nft": {"type": "str", "default": "nft"},
    "boot": {"type": "dict", "default": {}, "options": {
        "kind": {"type": "str", "choices": [booting.SYSTEMD, booting.NONE], "default": booting.SYSTEMD},
        "unit_directory": {"type": "path", "default": "/etc/systemd/system"},
        "systemctl": {"type": "str", "default": "systemctl"},
        "before": {"type": "list", "elements": "str", "default": []},
    }},
    "going_back": {"type": "bool", "default": False},
}
_MODULE = "interface_fence"
_RAISING, _STANDING, _REMOVING = "raising", "standing", "removing"


class _Wanted(NamedTuple):
    """The fence as asked for; ``document``: what the ledger says before, ``found``: what stands before."""

    fence: Fence
    nft: str
    boot: Boot
    rules: List[Rule]
    resolved: Dict[str, Tuple[str, ...]]
    document: Optional[Dict[str, Any]]
    found: Standing
    boot_differences: List[str]

    @property
    def text(self) -> str:
        return script(self.fence.table, self.rules)


def set_fence(host: Host) -> Outcome:
    """Put the fence up and see that it stands, or take it down if test mode allows it."""
    return _present(host) if host.params["state"] == "present" else _absent(host)


def lift(ledger: Ledger, state_dir: str) -> List[str]:
    """Take away what the ledger's document says, for the host command, which has no lease; returns warnings.

    Raises Refused as the module does. Without a document nothing is done.
    """
    _refuse_too_early(ledger, state_dir)
    document = ledger.mode(test_mode.FENCE)
    if document is None:
        return []
    known = [Fence(document["table"], document["nft"])], [boot_of(document["boot"])]
    return _take_down(ledger, state_dir, *known, document)


# -- present -------------------------------------------------------------------------------------


def _present(host: Host) -> Outcome:
    host.guard(going_back=host.params["going_back"], in_test_mode=True)
    wanted = _wanted(host)
    record = _record(wanted)
    if wanted.found.stands and not wanted.boot_differences and _is_recorded(wanted):
        return Outcome(False, record, message="the fence stands already")
    before = as_lines(wanted.rules) if wanted.found.stands else "".join("%s\n" % one for one in record["was"])
    if not host.check_mode:
        record.update(_put_up(host, wanted))
    return Outcome(True, record, before, as_lines(wanted.rules), message="the fence stands")


def _wanted(host: Host) -> _Wanted:
    p = host.params
    interfaces = interfaces_of(p["interfaces"])
    if not interfaces:
        raise InvalidInput("there is no interface to shut off", "relmgmt_interfaces", "list the external interfaces")
    document = host.ledger.mode(test_mode.FENCE)
    boot = boot_of(p["boot"])
    _refuse_moved(document, p["table"], boot)
    resolved = resolve(interfaces)
    rules = rules_for(concerned(interfaces, p["here"]), resolved)
    if test_mode.lasts(host.ledger.mode(test_mode.DOCUMENT)):
        # A name that means other addresses by now, or an inventory that was changed, opens nothing.
        rules = sorted({*rules, *rules_in(document)})
    nft = program(p["nft"])
    fence = Fence(p["table"], nft)
    missing = [one for one in booting.installed(boot, host.state_dir, nft, script(p["table"], rules))
               if one != booting.LOST_BY_REBOOT]
    return _Wanted(fence, nft, boot, rules, resolved, document, fence.observe(rules), missing)


def _refuse_moved(document: Optional[Dict[str, Any]], table: str, boot: Boot) -> None:
    """The old table or units would be forgotten, and stay."""
    if document is None:
        return
    known = boot_of(document["boot"])
    if document["table"] != table or known.unit_directory != boot.unit_directory:
        raise InvalidInput(
            "the fence is there as table %s, with its units in %s" % (document["table"], known.unit_directory),
            "relmgmt_fence", "leave table and boot.unit_directory as they are until test mode is left",
        )


def _record(wanted: _Wanted) -> Dict[str, Any]:
    return {
        "table": wanted.fence.table, "stands": True, "was": [*wanted.found.differences, *wanted.boot_differences],
        "rules": [one._asdict() for one in wanted.rules], "stopped": wanted.found.stopped,
        "resolved": {host: list(addresses) for host, addresses in wanted.resolved.items()},
        "after_reboot": wanted.boot.kind != booting.NONE,
    }


def _is_recorded(wanted: _Wanted) -> bool:
    known = wanted.document
    return known is not None and known == _document(wanted, _STANDING, wanted.boot, known["since"])


def _document(wanted: _Wanted, state: str, boot: Boot, since: float) -> Dict[str, Any]:
    return {
        "state": state, "table": wanted.fence.table, "nft": wanted.nft, "boot": boot.as_dict(), "since": since,
        "rules": [one._asdict() for one in wanted.rules],
    }


def _put_up(host: Host, wanted: _Wanted) -> Dict[str, Any]:
    """Boot files first: a table that stands comes back, whenever this is cut off."""
    previous = boot_of(wanted.document["boot"]) if wanted.document else Boot(booting.NONE)
    since = wanted.document["since"] if wanted.document else host.now()
    intent = {"state": "present", "table": wanted.fence.table, "rules": [one._asdict() for one in wanted.rules]}
    # A rollback does not take it down: that is for leaving test mode alone (invariant 1).
    with host.act(_MODULE, "fence:%s" % wanted.fence.table, intent, {}) as act:
        host.ledger.set_mode(test_mode.FENCE, _document(wanted, _RAISING, _both(previous, wanted.boot), since))
        failpoint("fence:recorded")
        booting.install(wanted.boot, host.state_dir, wanted.nft, wanted.text)
        wanted.fence.put_up(wanted.rules)
        failpoint("fence:up")
        standing = wanted.fence.observe(wanted.rules)
        if not standing.stands:
            raise FenceError("the fence does not stand: %s" % "; ".join(standing.differences), wanted.fence.table,
                             "look for what else changes tables: nft monitor")
        booting.remove_others(previous, wanted.boot)
        host.ledger.set_mode(test_mode.FENCE, _document(wanted, _STANDING, wanted.boot, since))
        failpoint("fence:standing")
        act.note(rules=len(wanted.rules))
    return {"stopped": standing.stopped}


def _both(previous: Boot, boot: Boot) -> Boot:
    """What may be there while one takes the place of the other."""
    if booting.NONE in (previous.kind, boot.kind):
        return boot if previous.kind == booting.NONE else previous
    return boot._replace(before=tuple(sorted({*previous.before, *boot.before})))


# -- absent --------------------------------------------------------------------------------------


def _absent(host: Host) -> Outcome:
    p = host.params
    host.guard(going_back=p["going_back"], in_test_mode=True)
    _refuse_too_early(host.ledger, host.state_dir)
    document = host.ledger.mode(test_mode.FENCE)
    nft = document["nft"] if document else p["nft"]  # what put it up takes it down, whatever the inventory says now
    fences = [Fence(table, nft) for table in sorted({p["table"], document["table"] if document else p["table"]})]
    boots = _boots(boot_of(p["boot"]), document)
    left = sorted({path for boot in boots for path in booting.left_over(boot, host.state_dir)})
    standing = [one for one in fences if _is_there(one, needed=bool(document or left))]
    record = {"table": p["table"], "stands": False, "was": [*("table %s" % one.table for one in standing), *left],
              "rules": [], "stopped": {}, "after_reboot": False}
    if not record["was"] and document is None:
        return Outcome(False, record, message="no fence is here")
    if not host.check_mode:
        with host.act(_MODULE, "fence:%s" % p["table"], {"state": "absent"}, {}):
            record["warnings"] = _take_down(host.ledger, host.state_dir, fences, boots, document)
    before = as_lines(rules_in(document)) or "".join("%s\n" % one for one in record["was"])
    return Outcome(True, record, before, "", message="the fence is gone")


def _refuse_too_early(ledger: Ledger, state_dir: str) -> None:
    """Only verified truth lifts the fence, on the way back too (invariant 1)."""
    document = ledger.mode(test_mode.DOCUMENT)
    if document is None or not test_mode.lasts(document):
        return
    if document["state"] == test_mode.LEAVING and document.get("ports_verified") is True:
        return
    raise Refused(
        "the fence stays: this host is in test mode (%s) for %s, and its production ports are not verified after a "
        "restore" % (document["state"], document["change"]), ledger.path,
        test_mode.way_out(str(document["change"]), state_dir),
    )


def _boots(given: Boot, document: Optional[Dict[str, Any]]) -> List[Boot]:
    known = [boot_of(document["boot"])] if document else []
    return known + [one for one in (given,) if one not in known]


def _is_there(fence: Fence, needed: bool) -> bool:
    try:
        return fence.listing() is not None
    except FenceError:
        if needed:
            raise
        return False  # a host without nft, where test mode went without a fence


def _take_down(
    ledger: Ledger, state_dir: str, fences: List[Fence], boots: List[Boot], document: Optional[Dict[str, Any]]
) -> List[str]:
    """The ledger says so first, and until nothing is left; cut off in between, the same again finishes it."""
    removing = document or {"table": fences[0].table, "nft": fences[0].nft, "boot": boots[0].as_dict(), "rules": [],
                            "since": ledger.now()}
    ledger.set_mode(test_mode.FENCE, {**removing, "state": _REMOVING})
    failpoint("fence:removing")
    for fence in fences:
        fence.take_down()
        failpoint("fence:down")
    told = [warning for boot in boots for warning in booting.remove(boot, state_dir)]
    _require_gone(state_dir, fences, boots)
    failpoint("fence:removed")
    ledger.set_mode(test_mode.FENCE, None)
    failpoint("fence:forgotten")
    return told


def _require_gone(state_dir: str, fences: List[Fence], boots: List[Boot]) -> None:
    left = [one.table for one in fences if one.listing() is not None]
    left += [path for boot in boots for path in booting.left_over(boot, state_dir)]
    if left:
        raise FenceError("the fence is not gone: %s" % ", ".join(left), state_dir, "remove it by hand")
