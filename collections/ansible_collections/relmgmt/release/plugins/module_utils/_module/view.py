# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of the collection does the same way, and all that one needs which only looks.

The only place that calls ``exit_json`` and ``fail_json``.
"""

from __future__ import annotations

import os
import time
from typing import Any, Callable, NamedTuple, Protocol

from ansible_collections.relmgmt.release.plugins.module_utils._errors import RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._ledger_view import LedgerView

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


class AnsibleLike(Protocol):
    """What is used of AnsibleModule; the tests' double has no more than this."""

    params: dict[str, Any]
    check_mode: bool
    tmpdir: str
    _diff: bool

    def warn(self, warning: str) -> None: ...

    def exit_json(self, **result: Any) -> None: ...

    def fail_json(self, msg: str, **result: Any) -> None: ...


class HostView:
    """The managed host as work that only looks sees it.

    ``tmpdir``: the work's own, else Ansible's. ``now``: seconds since 1970.
    """

    ledger: LedgerView

    def __init__(self, module: AnsibleLike, tmpdir: str = "", now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.params = module.params
        self.check_mode = module.check_mode
        self.tmpdir = tmpdir or module.tmpdir
        path = ledger_path(self.params)
        self.state_dir = os.path.dirname(path)
        self.ledger = self._open_ledger(path)

    def _open_ledger(self, path: str) -> LedgerView:
        return LedgerView(path)


def workers_of(state_dir: str) -> str:
    """Where the directories of a host's workers lie."""
    return os.path.join(state_dir, "workers")


def ledger_path(params: dict[str, Any]) -> str:
    """Where the ledger of this host lies; its directory is the host's state."""
    return os.path.abspath(str(params.get("ledger") or LEDGER_SPEC["ledger"]["default"]))


def run_view(module: AnsibleLike, work: Callable[[HostView], Outcome]) -> None:
    """Do work that only looks, and leave."""
    leave(module, result_of(lambda: work(HostView(module))))


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
