# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module that changes a host does the same way.

``Host`` gives a module's work its parameters, the ledger, the permit of its change cycle and the acts it records.
"""

from __future__ import annotations

import getpass
import os
import re
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterable, Iterator, NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._backup.progress import SILENT, Progress
from ansible_collections.relmgmt.release.plugins.module_utils._core import authority, test_mode
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    ReceiptMissing,
    Refused,
)
from ansible_collections.relmgmt.release.plugins.module_utils._files import make_dirs
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._module import host_reserve
from ansible_collections.relmgmt.release.plugins.module_utils._module.view import (
    LEDGER_SPEC,
    AnsibleLike,
    HostView,
    Outcome,
    leave,
    ledger_path,
    result_of,
    workers_of,
)
from ansible_collections.relmgmt.release.plugins.module_utils._worker_view import refuse_while_at_work

__all__ = [
    "LEDGER_SPEC", "Act", "AnsibleLike", "Host", "Outcome", "Permit", "UndoContext", "leave", "ledger_path",
    "result_of", "run", "workers_of",
]


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


class Act:
    """An act under way: its number in the ledger, and what its outcome will say."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.detail: dict[str, Any] = {}

    def note(self, **detail: Any) -> None:
        """Add observations to the outcome."""
        self.detail.update(detail)


class Host(HostView):
    """The managed host as work that changes it sees it; ``progress`` hears how far a long work has come."""

    ledger: Ledger

    def __init__(
        self, module: AnsibleLike, now: Callable[[], float] = time.time, progress: Progress = SILENT, tmpdir: str = "",
    ) -> None:
        self.progress = progress
        self._permit: Permit | None = None
        super().__init__(module, tmpdir, now)

    def _open_ledger(self, path: str) -> Ledger:
        return Ledger(path, readonly=self.check_mode, now=self.now)

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


def _permit(change: str, receipt: dict[str, Any] | None) -> Permit:
    if receipt is None:
        return Permit(change, "", 1, "", 0.0)
    return Permit(
        change, receipt["release"], receipt["attempt"], receipt["bundle_digest"], receipt["expires"]
    )


def run(module: AnsibleLike, work: Callable[[Host], Outcome]) -> None:
    """Do the work and leave."""
    leave(module, result_of(lambda: work(Host(module))))
