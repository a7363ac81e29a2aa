# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of ``test_mode_info``: everything that is true of a host's interfaces, in one call."""

from __future__ import annotations

import json
import os
from contextlib import closing
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode import (
    DOCUMENT,
    FENCE,
    is_back,
    lasts,
    shown,
    state_of,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_rules import acceptable_points, proof
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_truth import (
    drift,
    judge,
    overdue,
    table,
)
from ansible_collections.relmgmt.release.plugins.module_utils._fence.boot import (
    LOST_BY_REBOOT,
    NONE,
    boot_of,
    lost_by_reboot,
)
from ansible_collections.relmgmt.release.plugins.module_utils._ledger_view import LedgerView
from ansible_collections.relmgmt.release.plugins.module_utils._module import host_timer
from ansible_collections.relmgmt.release.plugins.module_utils._module.interface_site import Given
from ansible_collections.relmgmt.release.plugins.module_utils._module.test_mode_scene import (
    WORLD,
    World,
    command_of,
    observe,
    row,
)
from ansible_collections.relmgmt.release.plugins.module_utils._module.view import HostView, Outcome

Document = Dict[str, Any]


def look(host: HostView, world: World = WORLD) -> Outcome:
    """What is true of this host's interfaces."""
    document = host.ledger.mode(DOCUMENT)
    given = Given.of(host.params)
    if document is not None and lasts(document):
        given = Given.remembered(document, host.params)
    command, now = command_of(host.state_dir), host.now()
    accepted = str((document or {}).get("without_fence") or "")
    with closing(world.site(given, host.state_dir)) as site:
        scene = observe(world, site, host.ledger, document, now, accepted)
    verdict = judge(scene.facts, command)
    verdict = verdict._replace(
        problems=(*verdict.problems, *_missing(host.state_dir, document), *_lost(host, document)),
        notes=(*verdict.notes, *_accepted_loss(host, document), *_inventory_notes(host.params, document)),
    )
    return Outcome(False, {
        "verdict": verdict.verdict, "ok": verdict.ok, "problems": list(verdict.problems),
        "notes": list(verdict.notes), "text": table(scene.facts, verdict, scene.fence),
        "mode": state_of(document), "test_mode": shown(document), "interfaces": scene.rows(),
        "drift": [row(one) for one in drift(scene.facts)], "pending": list(scene.facts.pending),
        "fence": scene.fence, "connections": scene.connections, "queues": dict(scene.facts.queues),
        "restored": _restored(host.ledger, document), "overdue": overdue(document, now),
    }, message=verdict.verdict)


def _missing(state_dir: str, document: Optional[Document]) -> List[str]:
    """What entering installed and is no longer there."""
    if document is None or not lasts(document):
        return []
    again = "enter again, which puts it back"
    told = [] if os.path.exists(command_of(state_dir)) else [f"the command {command_of(state_dir)} is gone: {again}"]
    if not host_timer.runs(state_dir, document):
        told.append(f"nothing keeps the end time any more: {again}")
    return told


def _lost(host: HostView, document: Optional[Document]) -> List[str]:
    """Why the fence would not stand again after a reboot, where it should."""
    fence = host.ledger.mode(FENCE)
    if fence is None or is_back(document) or boot_of(fence["boot"]).kind == NONE:
        return []
    return [f"a reboot loses the fence: {one}; put it up again (interface_fence)"
            for one in lost_by_reboot(fence, host.state_dir)]


def _accepted_loss(host: HostView, document: Optional[Document]) -> List[str]:
    fence = host.ledger.mode(FENCE)
    return [LOST_BY_REBOOT] if fence and not is_back(document) and boot_of(fence["boot"]).kind == NONE else []


def _inventory_notes(params: Mapping[str, Any], document: Optional[Document]) -> List[str]:
    if document is None or not lasts(document) or not params["interfaces"]:
        return []
    same = json.loads(json.dumps(params["interfaces"])) == document["interfaces"]
    return [] if same else ["the inventory's interfaces are no longer those of the entry; leaving uses the entry's"]


def _restored(ledger: LedgerView, document: Optional[Document]) -> Optional[Dict[str, Any]]:
    if document is None:
        return None
    if document["instance"] is None or not lasts(document):
        known: Optional[Dict[str, Any]] = document["restored"]
        return known
    change = document["change"]
    accepted = acceptable_points(document, ledger.points(change), "rejected")
    found = proof(document, ledger.acts(change), accepted)[0]
    return {key: found[key] for key in ("path", "root_digest", "at")} if found else None
