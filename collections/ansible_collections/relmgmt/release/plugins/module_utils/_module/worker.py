# SPDX-License-Identifier: GPL-3.0-or-later
"""A module whose work goes on in a worker: begin it, join it, wait for it, hand on its result.

One call of the action is one `call`, however often the module has to be asked again: a call never begins
work twice, and never takes the result of work that was over before it came.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import traceback
from typing import Any, Callable, Dict, NamedTuple, Optional

from ansible_collections.relmgmt.release.plugins.module_utils._backup.progress import Progress
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._ledger_view import LedgerView
from ansible_collections.relmgmt.release.plugins.module_utils._module import host_reserve
from ansible_collections.relmgmt.release.plugins.module_utils._module.at_work import shown
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import (
    AnsibleLike,
    Host,
    Outcome,
    leave,
    ledger_path,
    result_of,
    run,
    workers_of,
)
from ansible_collections.relmgmt.release.plugins.module_utils._worker import (
    LOOKED_EVERY,
    WorkerDirectory,
    detach,
    door,
    prune,
)
from ansible_collections.relmgmt.release.plugins.module_utils._worker_view import WorkerView, living

#: the documentation is in the doc fragment ``relmgmt.release.worker``
WORKER_SPEC: Dict[str, Any] = {
    "worker": {
        "type": "dict",
        "options": {"call": {"type": "str", "required": True}, "wait": {"type": "int", "default": 10}},
    },
}
#: options that say on whose behalf and how work is done, not what
_NOT_THE_WORK = ("worker", "lease", "phase", "ledger")
Work = Callable[[Host], Outcome]


class _Job(NamedTuple):
    """What is asked for: the worker's directory, its call, and what `worker.json` will say."""

    workers: str
    place: WorkerDirectory
    call: str
    record: Dict[str, Any]


def run_supervised(module: AnsibleLike, name: str, work: Work) -> None:
    """Do the work in a worker if the option ``worker`` is given, else here; and leave."""
    if not module.params.get("worker"):
        run(module, work)
        return
    try:
        result = _supervise(module, name, work)
    except RelmgmtError as error:
        result = {"failed": True, "msg": str(error), "error": error.as_dict()}
    leave(module, result)


def _supervise(module: AnsibleLike, name: str, work: Work) -> Dict[str, Any]:
    job = _job(module, name)
    until = time.monotonic() + module.params["worker"]["wait"]
    while True:
        other = _see_to_it(module, job, work)
        if other is None:
            return _wait(job, until)
        if time.monotonic() >= until:
            return _in_progress(shown(job.place), waits_for=shown(other))
        time.sleep(LOOKED_EVERY)


def _see_to_it(module: AnsibleLike, job: _Job, work: Work) -> Optional[WorkerView]:
    """Have a worker that answers this call; returns the other one that has to end first, if there is one."""
    with door(job.workers):
        if job.call in job.place.record().get("calls", []):
            return None
        if job.place.is_alive():
            job.place.join(job.call)
            return None
        # Going back, or the next phase, must not meet work that an earlier run left behind.
        others = [] if module.check_mode else living(job.workers)
        if others:
            return others[0]
        prune(job.workers)
        host_reserve.give_up_if_full(os.path.dirname(job.workers))
        job.place.begin(job.record)
        detach(lambda started: job.place.work(lambda progress: _answer(module, work, job, progress), started))
    return None


def _answer(module: AnsibleLike, work: Work, job: _Job, progress: Progress) -> Dict[str, Any]:
    def carry_out() -> Outcome:
        return work(Host(module, progress=progress, tmpdir=job.place.scratch))

    try:
        return result_of(carry_out)
    except Exception as error:
        # In a module of its own Ansible would show the traceback; here the result is all that is seen.
        told = RelmgmtError(
            f"unexpected {type(error).__name__}: {error}", place=job.place.path, cure="report this with the traceback"
        )
        return {"failed": True, "msg": str(told), "error": told.as_dict(), "exception": traceback.format_exc()}


def _wait(job: _Job, until: float) -> Dict[str, Any]:
    while job.place.is_alive():
        if time.monotonic() >= until:
            return _in_progress(shown(job.place), joined=_joined(job, job.place.record()))
        time.sleep(LOOKED_EVERY)
    with door(job.workers):
        record, result = job.place.record(), job.place.result()
    if result is None or job.call not in record["calls"]:
        raise HostStateUnknown(
            f"the worker of {job.record['module']} ended without a result", place=job.place.path,
            cure="see the kernel's log for why it was killed, then run again: what it had begun is settled first",
        )
    return _final(job, record, result)


def _final(job: _Job, record: Dict[str, Any], result: Dict[str, Any]) -> Dict[str, Any]:
    joined, said = _joined(job, record), result["msg"]
    if joined:
        said += f" (by the worker that another run began under lease {record['lease']})"
    worker = {"id": record["id"], "since": record["since"], "lease": record["lease"], "joined": joined}
    return {**result, "msg": said, "worker": worker}


def _joined(job: _Job, record: Dict[str, Any]) -> bool:
    """Did another call than this one begin the work?"""
    return bool(record["calls"][0] != job.call)


def _in_progress(shown: Dict[str, Any], **more: Any) -> Dict[str, Any]:
    return {"changed": False, "msg": "in progress", "in_progress": {**shown, **more}}


def _job(module: AnsibleLike, name: str) -> _Job:
    params = module.params
    ledger = ledger_path(params)
    change, attempt = params.get("change") or "", _attempt(ledger, params.get("change") or "")
    workers = _of_check_mode(module) if module.check_mode else workers_of(os.path.dirname(ledger))
    asked = {
        "module": name, "change": change, "attempt": attempt, "check": module.check_mode, "ledger": ledger,
        "options": _without_secrets(
            {key: value for key, value in params.items() if key not in _NOT_THE_WORK},
            getattr(module, "no_log_values", set()),
        ),
    }
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
    identity = f"{name}-{digest[:16]}"
    call = params["worker"]["call"]
    record = {
        "id": identity, "module": name, "change": change, "attempt": attempt, "lease": params.get("lease"),
        "since": time.time(), "calls": [call],
    }
    return _Job(workers, WorkerDirectory(os.path.join(workers, identity)), call, record)


def _of_check_mode(module: AnsibleLike) -> str:
    """Check mode leaves the host's state alone: beside the files that Ansible itself puts there."""
    return os.path.join(os.path.dirname(module.tmpdir.rstrip("/")), f"relmgmt-workers-{os.geteuid()}")


def _attempt(ledger: str, change: str) -> int:
    reader = LedgerView(ledger)
    try:
        receipt = reader.receipt(change)
    finally:
        reader.close()  # a connection of SQLite must not be carried through a fork
    return int(receipt["attempt"]) if receipt else 0


def _without_secrets(value: Any, secrets: Any) -> Any:
    """The id of a worker is no secret: nothing that is one may be guessed from it (invariant 11)."""
    if isinstance(value, dict):
        return {key: _without_secrets(one, secrets) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_secrets(one, secrets) for one in value]
    return "" if isinstance(value, str) and value in secrets else value
