# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of the collection does the same way.

The only place that calls ``exit_json`` and ``fail_json``. ``Host`` gives a module's work
its parameters, the ledger, the permit of its change cycle and the acts it records.
"""

from __future__ import annotations

import getpass
import os
import re
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterable, Iterator, NamedTuple, Protocol

from ansible_collections.relmgmt.release.plugins.module_utils._backup.progress import SILENT, Progress
from ansible_collections.relmgmt.release.plugins.module_utils._core import authority, test_mode
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    ReceiptMissing,
    Refused,
    RelmgmtError,
)
from ansible_collections.relmgmt.release.plugins.module_utils._files import make_dirs
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._module import host_reserve
from ansible_collections.relmgmt.release.plugins.module_utils._worker import refuse_while_at_work

LEDGER_SPEC: dict[str, dict[str, Any]] = {
    "change": {"type": "str"},
    "lease": {"type": "int"},
    "ledger": {"type": "path", "default": "/var/lib/relmgmt/ledger.db"},
    "phase": {"type": "str", "default": ""},
}


class Outcome(NamedTuple):
    """What a module's work observed and did.

    ``record``: the result's keys. ``before`` and ``after``: the diff's two sides.
    """

    changed: bool
    record: dict[str, Any]
    before: str = ""
    after: str = ""
    message: str = ""


class Permit(NamedTuple):
    """A change cycle's permission on this host, as the receipt says."""

    change: str
    release: str
    attempt: int
    bundle_digest: str
    expires: float


class UndoContext(NamedTuple):
    """What an undo handler may use beside its recipe; ``progress`` hears how far a long one has come.

    ``restored``: name of the instance whose datasets are those of before the change already.
    """

    tmpdir: str
    state_dir: str
    progress: Progress = SILENT
    restored: str = ""


class AnsibleLike(Protocol):
    """What is used of AnsibleModule; the tests' double has no more than this."""

    params: dict[str, Any]
    check_mode: bool
    tmpdir: str
    _diff: bool

    def warn(self, warning: str) -> None: ...

    def exit_json(self, **result: Any) -> None: ...

    def fail_json(self, msg: str, **result: Any) -> None: ...


class Act:
    """An act under way: its number in the ledger, and what its outcome will say."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.detail: dict[str, Any] = {}

    def note(self, **detail: Any) -> None:
        """Add observations to the outcome."""
        self.detail.update(detail)


class Host:
    """The managed host as a module's work sees it.

    ``progress`` hears how far a long work has come. ``tmpdir``: the work's own, else Ansible's.
    """

    def __init__(
        self, module: AnsibleLike, readonly: bool = False, now: Callable[[], float] = time.time,
        progress: Progress = SILENT, tmpdir: str = "",
    ) -> None:
        self.params = module.params
        self.check_mode = module.check_mode
        self.tmpdir = tmpdir or module.tmpdir
        self.now = now
        self.progress = progress
        path = ledger_path(self.params)
        self.state_dir = os.path.dirname(path)
        self.ledger = Ledger(path, readonly=readonly or self.check_mode, now=now)
        self._permit: Permit | None = None

    @property
    def user(self) -> str:
        """The operating system's user."""
        return getpass.getuser()

    def guard(
        self, packages: Iterable[str] = (), going_back: bool = False, in_test_mode: bool | None = None
    ) -> Permit:
        """The permit of this change on this host; raises Refused when there is none.

        ``packages``: SHA-256 of every package about to be installed. ``going_back``: what is
        done belongs to a rollback (invariant 14) or to closing the cycle, which need the lease
        alone. ``in_test_mode``: it may be done while the host is in test mode; as ``going_back``
        if not given. Check mode changes nothing and needs no permit.
        """
        change = self.params.get("change") or ""
        receipt = self.ledger.receipt(change)
        if not self.check_mode:
            self._refuse_in_test_mode(change, going_back if in_test_mode is None else in_test_mode)
            refusal = authority.change_refusal(
                change, self.ledger.host(), receipt, self.ledger.lease(),
                self.params.get("lease"), self.now(), packages, going_back,
            )
            if refusal is not None:
                kind = ReceiptMissing if receipt is None else Refused
                raise kind(refusal.message, place=self.ledger.path, cure=refusal.cure)
            refuse_while_at_work(workers_of(self.state_dir))
        self._permit = _permit(change, receipt)
        return self._permit

    def _refuse_in_test_mode(self, change: str, allowed: bool) -> None:
        document = self.ledger.mode(test_mode.DOCUMENT)
        refusal = test_mode.refusal(document, change, self.state_dir, allowed)
        if refusal is not None:
            raise Refused(refusal.message, place=self.ledger.path, cure=refusal.cure)
        if test_mode.lasts(document):
            host_reserve.give_up_if_full(self.state_dir)

    @contextmanager
    def act(
        self, module: str, target: str, intent: dict[str, Any], undo: dict[str, Any]
    ) -> Iterator[Act]:
        """Record the intent and its undo before the body, the outcome after it (invariant 10)."""
        permit = self._permit or self.guard()
        number = self.ledger.begin_act(
            change=permit.change, attempt=permit.attempt, release=permit.release,
            phase=self.params.get("phase") or "", module=module, target=target,
            intent=intent, undo=undo,
        )
        act = Act(number)
        try:
            with self.ledger.within(number):
                yield act
        except Exception as error:
            self.ledger.finish_act(number, "failed", {**act.detail, "error": str(error)})
            raise
        self.ledger.finish_act(number, "done", act.detail)

    def preimage_dir(self, target: str) -> str:
        """A fresh directory for what an undo will need."""
        permit = self._permit or self.guard()
        parent = os.path.join(
            self.state_dir, "preimages", f"{permit.change}-{permit.attempt}"
        )
        make_dirs(parent, 0o750)
        taken = len(os.listdir(parent))
        path = os.path.join(parent, f"{taken + 1:03d}-{re.sub(r'[^A-Za-z0-9_.-]', '_', target)}")
        make_dirs(path, 0o750)
        return path


def workers_of(state_dir: str) -> str:
    """Where the directories of a host's workers lie."""
    return os.path.join(state_dir, "workers")


def ledger_path(params: dict[str, Any]) -> str:
    """Where the ledger of this host lies; its directory is the host's state."""
    return os.path.abspath(str(params.get("ledger") or LEDGER_SPEC["ledger"]["default"]))


def _permit(change: str, receipt: dict[str, Any] | None) -> Permit:
    if receipt is None:
        return Permit(change, "", 1, "", 0.0)
    return Permit(
        change, receipt["release"], receipt["attempt"], receipt["bundle_digest"], receipt["expires"]
    )


def run(
    module: AnsibleLike, work: Callable[[Host], Outcome], readonly: bool = False
) -> None:
    """Do the work and leave.

    ``readonly``: the module only looks, its ledger is neither created nor changed.
    """
    leave(module, result_of(lambda: work(Host(module, readonly))))


def result_of(work: Callable[[], Outcome]) -> dict[str, Any]:
    """What the work came to, as a module's result; ``failed`` and ``error`` if it raised."""
    try:
        outcome = work()
    except RelmgmtError as error:
        return {"failed": True, "msg": str(error), "error": error.as_dict()}
    except OSError as error:
        told = RelmgmtError(error.strerror or str(error), place=str(error.filename or ""),
                            cure="free space, or mend owner and mode there")
        return {"failed": True, "msg": str(told), "error": told.as_dict()}
    result = dict(outcome.record, changed=outcome.changed, msg=outcome.message)
    if outcome.before or outcome.after:
        result["diff"] = {"before": outcome.before, "after": outcome.after}
    return result


def leave(module: AnsibleLike, result: dict[str, Any]) -> None:
    """End the module with this result, its ``warnings`` told: the only caller of exit_json and fail_json."""
    shown = {key: value for key, value in result.items() if key != "diff" or module._diff}
    for warning in shown.pop("warnings", ()):
        module.warn(warning)
    if shown.pop("failed", False):
        module.fail_json(**shown)
    else:
        module.exit_json(**shown)
