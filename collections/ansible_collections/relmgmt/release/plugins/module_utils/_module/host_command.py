# SPDX-License-Identifier: GPL-3.0-or-later
"""``relmgmt-test-mode``: test mode told and left on the host itself, without controller and without upload.

Exit status: 0 done and as it should be; 1 something asks for a person; 2 wrong words; 4 refused, nothing was changed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, TextIO

from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode import DOCUMENT, FENCE, is_back, lasts
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_rules import acceptable_points, proof
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput, Refused, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._ledger_view import LedgerView
from ansible_collections.relmgmt.release.plugins.module_utils._module import host_reserve, host_timer, overdue
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host
from ansible_collections.relmgmt.release.plugins.module_utils._module.test_mode_info import look
from ansible_collections.relmgmt.release.plugins.module_utils._module.test_mode_scene import acceptance
from ansible_collections.relmgmt.release.plugins.module_utils._module.view import HostView

DONE, ASKS, REFUSED = 0, 1, 4
LOOKED_EVERY, RETRIED_EVERY = 30, 300  # seconds


class Console:
    """What stands in for an Ansible module: options in, nothing out."""

    _diff = False

    def __init__(self, params: Mapping[str, Any], tmpdir: str = "", check_mode: bool = False) -> None:
        self.params = dict(params)
        self.check_mode = check_mode
        self.tmpdir = tmpdir

    def warn(self, warning: str) -> None:
        """Show a warning."""
        _say(f"warning: {warning}", file=sys.stderr)

    def exit_json(self, **result: Any) -> None:
        """Unused: results are values here."""

    def fail_json(self, msg: str, **result: Any) -> None:
        """Unused: errors are exceptions here."""


def main(ledger: str, argv: Optional[Sequence[str]] = None) -> int:
    """Do what the words ask for; the exit status. ``ledger``: the one that the command was made for."""
    args = _parser().parse_args(argv)
    work: Callable[[str, Any], int] = args.work
    try:
        return work(ledger, args)
    except RelmgmtError as error:
        _say(f"{'refused' if isinstance(error, (Refused, InvalidInput)) else 'failed'}: {error}", file=sys.stderr)
        return REFUSED if isinstance(error, (Refused, InvalidInput)) else ASKS
    except OSError as error:
        _say(f"failed: {error}", file=sys.stderr)
        return ASKS


def _say(text: str, end: str = "\n", file: Optional[TextIO] = None) -> None:
    """To the console: ansible-test keeps modules' code from print, but this is a command."""
    (file or sys.stdout).write(text + end)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="relmgmt-test-mode", description=__doc__)
    words = parser.add_subparsers(required=True, metavar="WORD")
    status = words.add_parser("status", help="where the interfaces point, and whether that is safe")
    status.add_argument("--json", action="store_true", help="as test_mode_info returns it")
    status.set_defaults(work=_status)
    words.add_parser("fence", help="put the fence up again").set_defaults(work=_fence)
    leave = words.add_parser("leave", help="restore the datasets, switch to production, take the fence down")
    leave.add_argument("--outcome", choices=["signed_off", "rejected"], help="how the tests ended")
    leave.add_argument("--confirmed-by", default="", metavar="NAME",
                       help="who has read the data-loss statement and accepts it; without it, it is only shown")
    leave.add_argument("--keep-written", default="", metavar="DIRECTORY",
                       help="a new directory for what testers wrote")
    leave.add_argument("--without-fence", default="", metavar="'NAME: REASON'",
                       help="who accepts, where the fence cannot be put up again, that none stands")
    leave.add_argument("--restored", default="", metavar="JSON",
                       help="on a host without datasets: the proof that leave printed on the database host")
    leave.set_defaults(work=_leave)
    words.add_parser("thaw", help="end a freeze of the database").set_defaults(work=_thaw)
    words.add_parser("overdue", help="tell by mail if the end time has passed (the timer's word)").set_defaults(
        work=_overdue)
    words.add_parser("wait", help="wait for the end time in the background, then as overdue").set_defaults(work=_wait)
    return parser


# -- looking -------------------------------------------------------------------------------------


def _status(ledger: str, args: argparse.Namespace) -> int:
    record = _look(ledger)
    _say(json.dumps(record, indent=2) if args.json else record["text"], end="" if not args.json else "\n")
    return DONE if record["ok"] else ASKS


def _look(ledger: str) -> Dict[str, Any]:
    document = _document(ledger) or {}
    given = {key: document.get(key) for key in ("instance", "websphere")}
    params = {"ledger": ledger, "interfaces": document.get("interfaces", []), "here": document.get("here", []), **given}
    return look(HostView(Console(params))).record


def _document(ledger: str) -> Optional[Dict[str, Any]]:
    with _reading(ledger) as reader:
        return reader.mode(DOCUMENT)


@contextlib.contextmanager
def _reading(ledger: str) -> Iterator[LedgerView]:
    reader = LedgerView(ledger)
    try:
        yield reader
    finally:
        reader.close()


# -- the fence -----------------------------------------------------------------------------------


def _fence(ledger: str, _args: argparse.Namespace) -> int:
    from ansible_collections.relmgmt.release.plugins.module_utils._core.fence import rules_in
    from ansible_collections.relmgmt.release.plugins.module_utils._fence.nft import Fence

    host_reserve.give_up_if_full(os.path.dirname(ledger))
    with _reading(ledger) as reader:
        known, document = reader.mode(FENCE), reader.mode(DOCUMENT)
    if known is None and not lasts(document):
        raise Refused("this host is not in test mode", ledger, "enter it: playbooks/enter-test-mode.yml")
    if known is None and document is not None:
        _say(_raise_fence(ledger, document))
        return DONE
    if known is None or known.get("state") == "removing":
        raise Refused("the fence is being taken down", ledger, "finish that: relmgmt-test-mode leave")
    fence = Fence(str(known["table"]), str(known["nft"]))
    fence.put_up(rules_in(known))
    if document is not None and lasts(document) and _has_moved(ledger, document, known):
        known = _widen_fence(ledger, document, known)
    seen = fence.observe(rules_in(known))
    _say("the fence stands" if seen.stands else f"the fence does not stand: {'; '.join(seen.differences)}")
    return DONE if seen.stands else ASKS


def _has_moved(ledger: str, document: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    from ansible_collections.relmgmt.release.plugins.module_utils._core.fence import rules_in
    from ansible_collections.relmgmt.release.plugins.module_utils._module.interface_site import Given, Site

    with contextlib.closing(Site(Given.of(document), os.path.dirname(ledger))) as site:
        return bool(site.moved(rules_in(known)))


def _widen_fence(ledger: str, document: Mapping[str, Any], known: Dict[str, Any]) -> Dict[str, Any]:
    """Shut off, after a reboot too, where production's names have moved to; what the ledger says of the fence then."""
    try:
        _say(_raise_fence(ledger, document, known))
    except RelmgmtError as error:
        _say(f"warning: where production's hosts are by now cannot be told: {error}", file=sys.stderr)
        return known
    with _reading(ledger) as reader:
        return reader.mode(FENCE) or known


def _raise_fence(ledger: str, document: Mapping[str, Any], known: Optional[Mapping[str, Any]] = None) -> str:
    """Put a fence up, as the one that is known or where test mode was entered without one; what came of it."""
    from ansible_collections.relmgmt.release.plugins.module_utils._fence.boot import NONE, Boot
    from ansible_collections.relmgmt.release.plugins.module_utils._module.interface_fence import FENCE_SPEC, set_fence

    usual = {name: FENCE_SPEC[name]["default"] for name in ("table", "nft")}
    given = known or {**usual, "boot": Boot(NONE).as_dict()}
    with _leased(ledger, document, "") as common:
        return set_fence(Host(Console({
            **common, "state": "present", "going_back": True,
            "interfaces": document["interfaces"], "here": document["here"],
            **{key: given[key] for key in ("table", "nft", "boot")},
        }))).message


def _write(ledger: str, act: Callable[[Ledger], None]) -> None:
    writer = Ledger(ledger)
    try:
        act(writer)
    finally:
        writer.close()


# -- leaving -------------------------------------------------------------------------------------


def _leave(ledger: str, args: argparse.Namespace) -> int:
    host_reserve.give_up_if_full(os.path.dirname(ledger))
    document = _document(ledger)
    if document is None:
        raise Refused("this host was never in test mode", ledger, "see relmgmt-test-mode status")
    if not lasts(document):
        _refuse_fence_of_other(ledger, document)
    else:
        outcome = args.outcome or document["outcome"]
        if not outcome:
            raise InvalidInput("how the tests ended is not said", "--outcome", "give signed_off or rejected")
        document = _accept(ledger, document, args.without_fence)
        with _leased(ledger, document, args.confirmed_by) as common, _scratch(os.path.dirname(ledger)) as tmpdir:
            done = _go_back(common, document, outcome, args, tmpdir)
        if done != DONE:
            return done
    return _open(ledger, str(document["change"]))


def _refuse_fence_of_other(ledger: str, document: Mapping[str, Any]) -> None:
    """A fence that is younger than the last leaving belongs to whoever enters now."""
    with _reading(ledger) as reader:
        fence, lease = reader.mode(FENCE), reader.lease()
    is_younger = fence is not None and float(fence["since"]) > float(document["left_at"] or 0)
    if is_younger and lease is not None and lease["state"] == "held" and lease["change"] != document["change"]:
        raise Refused(f"the fence is that of {lease['change']}, which is entering test mode", ledger,
                      "wait for it, or leave it with its own playbook")


def _accept(ledger: str, document: Dict[str, Any], said: str) -> Dict[str, Any]:
    """Restore and switch ask the ledger who accepts that no fence stands."""
    if not said.strip():
        return document
    accepted = {**document, "without_fence": acceptance(said)}
    _write(ledger, lambda writer: writer.set_mode(DOCUMENT, accepted))
    return accepted


def _proofs(text: str) -> List[Dict[str, Any]]:
    """What ``leave`` printed on the database hosts."""
    if not text:
        return []
    try:
        given = json.loads(text)
        listed = given if isinstance(given, list) else [given]
        return [{"host": str(one["host"]), "path": str(one["path"]), "root_digest": str(one["root_digest"]),
                 "at": float(one["at"])} for one in listed]
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidInput(f"it is no proof: {error}", "--restored", "give what leave printed on the database host") \
            from error


def _go_back(
    common: Mapping[str, Any], document: Mapping[str, Any], outcome: str, args: argparse.Namespace, tmpdir: str
) -> int:
    """Restore where that has not been done, and switch to production."""
    from ansible_collections.relmgmt.release.plugins.module_utils._module.test_mode import switch

    ledger, person = common["ledger"], args.confirmed_by
    if document["instance"] is not None and not _is_restored(ledger, document, outcome, tmpdir):
        params = {**common, "path": _path(ledger, document, outcome), "instance": document["instance"],
                  "keep_written": args.keep_written or None}
        shown = _restore(params, person, tmpdir)
        if shown != DONE:
            return shown
    done = switch(Host(Console({
        **common, "state": "production", "outcome": outcome, "person": person, "interfaces": [],
        "here": document["here"], "instance": document["instance"], "websphere": document["websphere"],
        "restored": _proofs(args.restored), "without_fence": "",
    }, tmpdir)))
    _warn(done.record.get("warnings", ()))
    _say(done.message)
    if done.record["restored"]:
        _say(f"proof for other hosts: --restored '{json.dumps(done.record['restored'])}'")
    return DONE


@contextlib.contextmanager
def _leased(ledger: str, document: Mapping[str, Any], person: str) -> Iterator[Dict[str, Any]]:
    """Options that every module takes. A lease that this change does not hold is taken, and given back afterwards."""
    change = document["change"]
    with _reading(ledger) as reader:
        lease = reader.lease()
    number = int(lease["number"]) if lease else 0
    takes = lease is None or lease["state"] != "held" or lease["change"] != change
    if takes:
        number += 1
        holder = {"user": person or "console", "controller": os.uname().nodename, "pid": os.getpid(),
                  "started": time.strftime("%Y-%m-%dT%H:%M:%S")}
        _write(ledger, lambda writer: writer.take_lease(change, holder, number))
    try:
        yield {"change": change, "lease": number, "ledger": ledger, "phase": "leave-test-mode"}
    finally:
        if takes:
            _write(ledger, lambda writer: writer.free_lease(change))


@contextlib.contextmanager
def _scratch(state_dir: str) -> Iterator[str]:
    """A directory for temporary files, in memory where the disk takes none."""
    for parent in (host_timer.directory_of(state_dir), tempfile.gettempdir(), "/dev/shm"):  # noqa: S108 - mkdtemp
        try:
            path = tempfile.mkdtemp(prefix="relmgmt-", dir=parent)
        except OSError:
            continue
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
        return
    raise RelmgmtError("no directory takes temporary files", state_dir, "free a little space")


def _is_restored(ledger: str, document: Mapping[str, Any], outcome: str, tmpdir: str) -> bool:
    """Whether there is nothing to restore: also not where production was verified since, and users may be at work."""
    from ansible_collections.relmgmt.release.plugins.module_utils._module.restore import release_writers, written_after

    if is_back(document):
        return True
    with _reading(ledger) as reader:
        accepted = acceptable_points(document, reader.points(document["change"]), outcome)
        found = proof(document, reader.acts(document["change"]), accepted)[0]
        writers = release_writers(reader, document["change"])
    return found is not None and not written_after(document["instance"], found["positions"], writers, tmpdir).total


def _path(ledger: str, document: Mapping[str, Any], outcome: str) -> str:
    """The set to go back to: that of the entry, or after a rejection the one from before the release."""
    with _reading(ledger) as reader:
        accepted = acceptable_points(document, reader.points(document["change"]), outcome)
        for one in reader.points(document["change"], document["point"]["instance"]):
            if one["point"] == "before" and one["path"] in accepted and outcome == "rejected":
                return str(one["path"])
    return str(document["point"]["path"])


def _restore(params: Mapping[str, Any], person: str, tmpdir: str) -> int:
    """Restore; without a person, only show what would be lost."""
    from ansible_collections.relmgmt.release.plugins.module_utils._module.restore import restore

    given = {**params, "lose_writes_confirmed_by": person, "reserve": 0, "verify": "changes"}
    done = restore(Host(Console(given, tmpdir, check_mode=not person)))
    _say(done.record["data_loss"]["statement"])
    if not person:
        _say("to do it: leave --confirmed-by NAME with the name of the person who accepts that")
        return REFUSED
    _say(done.message)
    return DONE


def _open(ledger: str, change: str) -> int:
    """Take the fence down, and look."""
    from ansible_collections.relmgmt.release.plugins.module_utils._module.interface_fence import lift

    _write(ledger, lambda writer: _warn(lift(writer, os.path.dirname(ledger))))
    record = _look(ledger)
    _say(record["text"], end="")
    _say(f"now close the change cycle of {change} on the controller, or open the application yourself")
    return DONE if record["ok"] else ASKS


def _warn(told: Sequence[str]) -> None:
    for one in told:
        _say(f"warning: {one}", file=sys.stderr)


# -- freeze and end time -------------------------------------------------------------------------


def _thaw(ledger: str, _args: argparse.Namespace) -> int:
    from ansible_collections.relmgmt.release.plugins.module_utils._engines.choose import open_storage

    document = _document(ledger)
    if document is None or document["instance"] is None:
        raise Refused("this host has no database that test mode knows", ledger, "thaw it with the engine's own program")
    storage = open_storage(document["instance"])
    _say(f"{storage.name} is thawed" if storage.thaw() else f"{storage.name} was not frozen")
    return DONE


def _overdue(ledger: str, _args: argparse.Namespace) -> int:
    _say(overdue.tell(ledger, time.time(), _text(ledger)))
    return DONE


def _text(ledger: str) -> str:
    try:
        return str(_look(ledger)["text"])
    except RelmgmtError as error:
        return f"the state cannot be told: {error}\n"


def _wait(ledger: str, args: argparse.Namespace) -> int:
    if not host_timer.hold(os.path.dirname(ledger)) or os.fork():
        return DONE
    os.setsid()
    os.chdir("/")
    while overdue.is_waiting(ledger):
        document = _document(ledger) or {}
        left = float(document["ends_at"] or 0) - time.time()
        if left > 0:
            time.sleep(min(left, LOOKED_EVERY))
        elif main(ledger, ["overdue"]) == DONE:
            break
        else:
            time.sleep(RETRIED_EVERY)
    os._exit(DONE)
