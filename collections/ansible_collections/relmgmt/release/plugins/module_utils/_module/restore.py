# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of ``restore``, and the undo handler that brings datasets back."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._backup.verify import read_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._core import authority
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_journal import (
    Writer,
    Writes,
    writes_since,
)
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_restore import GtmRestore, Plan
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError, Refused
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._module.backup_set import gtm_instance
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome, Permit

if TYPE_CHECKING:
    from ansible_collections.relmgmt.release.plugins.module_utils._module.undo import UndoContext


def restore(host: Host) -> Outcome:
    """The datasets and routines of an instance are those of a backup set again."""
    permit = _permit_to_go_back(host)
    path = host.params["path"].rstrip("/")
    job = GtmRestore(gtm_instance(host.params["instance"]), path, host.tmpdir, host.params["reserve"])
    _require_known(host, job)
    job.verify()
    if host.check_mode:
        return _outcome(job, job.plan(), _writes(host, job, flush=False), done=False)
    job.require_standalone()
    job.settle()
    plan = job.plan()
    if not plan.needed:
        return _outcome(job, plan, None, done=True)
    writes = _writes(host, job, flush=True) if plan.replace else None
    _require_word(host, job, plan, writes)
    intent = {"path": path, "root_digest": job.manifest.root_digest,
              "lose_writes_confirmed_by": host.params["lose_writes_confirmed_by"]}
    with host.act("restore", f"{job.instance.name}:{job.manifest.point}", intent, {}) as act:
        job.carry_out(plan)
        act.note(datasets=[one.copy.name for one in plan.finish], change=permit.change,
                 routines=list(plan.routines.write + plan.routines.remove))
    return _outcome(job, plan, writes, done=True)


def release_writers(ledger: Ledger, change: str) -> list[Writer]:
    """Processes that wrote for a change: the ``writer_pids`` that its acts noted, while they ran."""
    return [
        Writer(int(pid), act["started_at"], act["finished_at"] or float("inf"))
        for act in ledger.acts(change) for pid in (act["detail"] or {}).get("writer_pids", ())
    ]


def others_since(
    point: dict[str, Any], recipe: dict[str, Any], pids: Sequence[int],
) -> list[dict[str, Any]] | None:
    """Writes since the ledger's ``point`` by processes other than ``pids``; None if unknown.

    ``recipe["instance"]``: the instance whose journals are read.
    """
    writers = [Writer(int(pid), since=point["taken_at"]) for pid in pids]
    instance = gtm_instance(recipe["instance"])
    with tempfile.TemporaryDirectory(prefix="relmgmt-") as scratch:
        found = writes_since(instance, read_manifest(point["path"]).positions, writers, scratch)
    return None if found.others is None else [dict(row._asdict()) for row in found.others]


def undo_datasets(recipe: dict[str, Any], context: UndoContext) -> dict[str, Any]:
    """Restore ``recipe["path"]`` into ``recipe["instance"]``; a point that is there already is left alone.

    Whether users' writes may be lost was decided before (going_back.choose_way).
    """
    job = GtmRestore(
        gtm_instance(recipe["instance"]), recipe["path"], context.tmpdir, int(recipe.get("reserve") or 0)
    )
    job.verify()
    job.require_standalone()
    job.settle()
    plan = job.plan()
    if plan.needed:
        job.carry_out(plan)
    return {**_work(job, plan), "changed": plan.needed}


def _permit_to_go_back(host: Host) -> Permit:
    """Going back needs the lease, never a fresh approval (invariant 14)."""
    change = host.params.get("change") or ""
    receipt = host.ledger.receipt(change)
    if host.check_mode or receipt is None:
        return host.guard()
    refusal = authority.lease_refusal(change, host.ledger.lease(), host.params.get("lease"))
    if refusal is not None:
        raise Refused(refusal.message, place=host.ledger.path, cure=refusal.cure)
    host._permit = Permit(
        change, receipt["release"], receipt["attempt"], receipt["bundle_digest"], receipt["expires"]
    )
    return host._permit


def _require_known(host: Host, job: GtmRestore) -> None:
    """A set that the ledger knows must be the one that was recorded."""
    for point in host.ledger.points(instance=job.instance.name):
        if point["path"] == job.path and point["root_digest"] != job.manifest.root_digest:
            raise DatasetError(
                "the set is not the one that the ledger recorded", place=job.path,
                cure="find the recorded set, or restore another point", recorded=point["root_digest"],
            )


def _writes(host: Host, job: GtmRestore, flush: bool) -> Writes:
    writers = release_writers(host.ledger, job.manifest.change)
    return writes_since(job.reachable, job.manifest.positions, writers, host.tmpdir, flush)


def _require_word(host: Host, job: GtmRestore, plan: Plan, writes: Writes | None) -> None:
    """No write by a user is lost without a named person's word (invariant 13)."""
    if writes is None or plan.marked or host.params["lose_writes_confirmed_by"].strip():
        return
    if writes.unknown or writes.total:
        raise Refused(
            _loss(job, writes), place=f"instance {job.instance.name}",
            cure="show this to the person who decides, then set lose_writes_confirmed_by to their name",
            data_loss=_statement(job, writes, host.params),
        )


def _loss(job: GtmRestore, writes: Writes | None) -> str:
    taken = job.manifest.taken_at
    if writes is None:
        return f"nothing is lost: no dataset differs from the point of {taken}"
    if writes.unknown:
        return f"what was written since {taken} is unknown ({writes.unknown}); a restore would lose it"
    if not writes.total:
        return f"nothing is lost: only the release wrote since {taken}"
    by = ", ".join(f"{name}: {count}" for name, count in sorted(writes.by.items()))
    return f"{writes.total} writes since {taken} would be lost, by {by}"


def _statement(job: GtmRestore, writes: Writes | None, params: dict[str, Any]) -> dict[str, Any]:
    return {
        "statement": _loss(job, writes), "point": job.manifest.point, "taken_at": job.manifest.taken_at,
        "writes": writes.as_dict() if writes else None,
        "confirmed_by": params["lose_writes_confirmed_by"].strip(),
    }


def _work(job: GtmRestore, plan: Plan) -> dict[str, Any]:
    return {
        "path": job.path, "root_digest": job.manifest.root_digest,
        "datasets": [
            {"name": one.copy.name, "path": one.path, "same": one.same,
             "blocks_differing": one.compared.differing, "blocks_total": one.compared.total}
            for one in plan.datasets
        ],
        "blocks_differing": sum(one.compared.differing for one in plan.replace),
        "blocks_total": sum(one.compared.total for one in plan.datasets),
        "routines_written": list(plan.routines.write), "routines_removed": list(plan.routines.remove),
        "not_in_set": list(plan.not_in_set),
    }


def _outcome(job: GtmRestore, plan: Plan, writes: Writes | None, done: bool) -> Outcome:
    work = _work(job, plan)
    blocks = f"{work['blocks_differing']} of {work['blocks_total']} blocks"
    said = f"{blocks} differed, the datasets are the point's again" if done else f"{blocks} would change"
    params = {"lose_writes_confirmed_by": ""}
    record = {**work, "data_loss": _statement(job, writes, params)}
    if not done:
        record["attached"] = list(job.attached().pids)
    return Outcome(
        plan.needed, record, before=_listing(plan, "differs"), after=_listing(plan, job.manifest.root_digest[:16]),
        message=said if plan.needed else "the datasets are the point's already",
    )


def _listing(plan: Plan, state: str) -> str:
    lines = [
        f"dataset {one.copy.name}: "
        + ("as the point" if one.same else f"{one.compared.differing} of {one.compared.total} blocks {state}")
        for one in plan.datasets
    ]
    lines += [f"routine {name}: {state}" for name in plan.routines.write]
    lines += [f"routine {name}: {'there' if state == 'differs' else 'gone'}" for name in plan.routines.remove]
    return "\n".join(lines) + "\n"
