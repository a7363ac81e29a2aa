# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of ``test_mode``: entering. What is true at every moment is the ledger's document, written before the act.

A run that was cut off is gone on with by the same call; ``test_mode_leave`` goes back from anywhere.
"""

from __future__ import annotations

import os
from contextlib import closing
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import PRODUCTION, TEST
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode import (
    DOCUMENT,
    ENTERING,
    ON,
    Refusal,
    lasts,
    refusal,
    state_of,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_rules import (
    obstacles,
    point_obstacle,
    transition_obstacle,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import Refused
from ansible_collections.relmgmt.release.plugins.module_utils._module import host_command_install, host_timer
from ansible_collections.relmgmt.release.plugins.module_utils._module.banner import show_banner
from ansible_collections.relmgmt.release.plugins.module_utils._module.host_lock import switching
from ansible_collections.relmgmt.release.plugins.module_utils._module.instance import recipe_of
from ansible_collections.relmgmt.release.plugins.module_utils._module.interface_site import Given
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome, Permit
from ansible_collections.relmgmt.release.plugins.module_utils._module.test_mode_leave import leave
from ansible_collections.relmgmt.release.plugins.module_utils._module.test_mode_scene import (
    WORLD,
    Scene,
    SiteLike,
    World,
    acceptance,
    command_of,
    listing,
    observe,
    record_of,
    require_verified,
    write,
)

Document = Dict[str, Any]


def switch(host: Host, world: World = WORLD) -> Outcome:
    """The settings of every interface on this host mean what ``state`` asks for."""
    if host.check_mode:
        return _switch(host, world)
    with switching(host.state_dir):
        return _switch(host, world)


def _switch(host: Host, world: World) -> Outcome:
    document = host.ledger.mode(DOCUMENT)
    wanted = host.params["state"]
    _refuse_other(host, document)
    permit = host.guard(going_back=wanted == PRODUCTION, in_test_mode=True)
    if wanted == PRODUCTION:
        return leave(host, document, world)
    return _enter(host, permit, document, world)


def _refuse_other(host: Host, document: Optional[Document]) -> None:
    change = host.params["change"] or ""
    own = document is not None and document["change"] == change
    refused = refusal(document, change, host.state_dir, allowed=own)
    if refused is not None:
        raise Refused(refused.message, place=host.ledger.path, cure=refused.cure)


def _enter(host: Host, permit: Permit, document: Optional[Document], world: World) -> Outcome:
    going_on = lasts(document)
    given = Given.remembered(document, host.params) if document and going_on else Given.of(host.params)
    accepted = _accepted(host, document if going_on else None)
    with closing(world.site(given, host.state_dir)) as site:
        scene = observe(world, site, host.ledger, document, host.now(), accepted, entering=True)
        point = document["point"] if document and going_on else _point(host, permit)
        found = _obstacles(host, scene, document, point)
        if found and not host.check_mode:
            raise _refused(host, found)
        changes = {one.key: site.value_for(one.key, TEST) for one in scene.facts.settings if one.means == PRODUCTION}
        if not changes and state_of(document) == ON and document is not None and not _is_restored(host, document):
            return _keep(host, scene, document, accepted)
        if host.check_mode:
            return _planned(host, scene, changes, point, found)
        site.check(changes)
        entry = document if document and going_on else _document(host, permit, given, scene, point)
        banner = host.params["banner"] or entry["banner"]
        return _carry_out(host, world, site, scene, {**entry, "without_fence": accepted, "banner": banner}, changes)


# -- what stands in the way ----------------------------------------------------------------------


def _is_restored(host: Host, document: Document) -> bool:
    """Whether a restore came after the switch: testers go on, so it has to be worth nothing from here on."""
    return any(act["module"] == "restore" for act in host.ledger.acts(document["change"])
               if act["id"] > int(document.get("switched_act") or 0))


def _accepted(host: Host, document: Optional[Document]) -> str:
    """Who accepts that no fence stands, and why."""
    said = (host.params["without_fence"] or (document or {}).get("without_fence") or "").strip()
    return acceptance(said) if said else ""


def _point(host: Host, permit: Permit) -> Optional[Dict[str, Any]]:
    """The ledger's row of the point that the datasets will go back to; None where there is no instance, or no point."""
    instance = host.params["instance"]
    if instance is None:
        return None
    for one in host.ledger.points(host.params["change"] or "", instance["name"]):
        if one["point"] == host.params["point"] and one["attempt"] == permit.attempt:
            return {key: one[key] for key in ("instance", "point", "path", "root_digest", "taken_at")}
    return None


def _points(host: Host, permit: Permit, point: Optional[Mapping[str, Any]]) -> Dict[str, str]:
    """Root digests by path of this attempt's sets, all from before the first switch."""
    if point is None:
        return {}
    return {one["path"]: one["root_digest"] for one in host.ledger.points(permit.change, point["instance"])
            if one["attempt"] == permit.attempt}


def _obstacles(
    host: Host, scene: Scene, document: Optional[Document], point: Optional[Mapping[str, Any]]
) -> List[Refusal]:
    found = [one for one in (transition_obstacle(document, TEST),) if one is not None]
    if not lasts(document) and host.params["instance"] is not None:
        there = point is not None and os.path.isdir(point["path"])
        age = host.params["point_max_age"]
        obstacle = point_obstacle(point, host.params["point"], there, age, host.now())
        found += [obstacle] if obstacle is not None else []
    return found + obstacles(scene.facts, command_of(host.state_dir))


def _refused(host: Host, found: Sequence[Refusal]) -> Refused:
    rows = [dict(one._asdict()) for one in found]
    message = "; ".join(one.message for one in found)
    return Refused(message, place=host.ledger.path, cure=found[0].cure, obstacles=rows)


# -- the switch ----------------------------------------------------------------------------------


def _document(
    host: Host, permit: Permit, given: Given, scene: Scene, point: Optional[Mapping[str, Any]]
) -> Document:
    p, now = host.params, host.now()
    return {
        "change": permit.change, "attempt": permit.attempt, "environment": host.ledger.host().get("environment", ""),
        "state": ENTERING, "entered_at": now, "switched_at": now, "ends_at": p["ends_at"], "person": p["person"],
        "point": point, "points": _points(host, permit, point),
        "here": list(given.here), "interfaces": list(given.interfaces),
        "instance": recipe_of(given.instance) if given.instance else None,
        "websphere": recipe_of(given.websphere) if given.websphere else None,
        "previous": {one.key: one.value for one in scene.facts.settings}, "without_fence": "",
        "restored": None, "ports_verified": False, "left_at": None, "outcome": None, "timer": {},
        "banner": p["banner"] or {}, "command": command_of(host.state_dir),
    }


def _carry_out(
    host: Host, world: World, site: SiteLike, scene: Scene, entry: Document, changes: Mapping[str, str]
) -> Outcome:
    host_command_install.install(host.ledger.path)
    intent = {"state": TEST, "settings": dict(changes), "previous": entry["previous"], "person": host.params["person"]}
    with host.act("test_mode", f"interfaces:{TEST}", intent, {}) as act:
        failpoint("test_mode:installed")
        # Every switch to test makes an earlier restore worthless as a proof.
        document = {**entry, "state": ENTERING, "switched_at": host.now(), "switched_act": act.number, "restored": None}
        host.ledger.set_mode(DOCUMENT, document)
        failpoint("test_mode:entering")
        document["timer"] = host_timer.start(host, document)
        host.ledger.set_mode(DOCUMENT, document)  # leaving takes it away, from here on
        show_banner(document["banner"], "on")
        failpoint("test_mode:announced")
        write(site, changes, act.note)
        after = observe(world, site, host.ledger, document, host.now(), document["without_fence"])
        require_verified(host, after, TEST)
        failpoint("test_mode:verified")
        document = {**document, "state": ON}
        host.ledger.set_mode(DOCUMENT, document)
        failpoint("test_mode:on")
    record = {**record_of(host, document, after), "timer": document["timer"]}
    return Outcome(True, record, listing(scene), listing(after), _said(changes))


def _keep(host: Host, scene: Scene, document: Document, accepted: str) -> Outcome:
    """It is on already; what entering installed is put back if somebody took it away."""
    if not host.check_mode:
        require_verified(host, scene, TEST)
    changed = host_command_install.install(host.ledger.path, host.check_mode)
    if accepted != document["without_fence"]:
        changed = True
        if not host.check_mode:  # restore and leave ask the ledger who accepts it
            host.ledger.set_mode(DOCUMENT, {**document, "without_fence": accepted})
    timer = document["timer"]
    if not host_timer.runs(host.state_dir, document):
        changed = True
        timer = timer if host.check_mode else host_timer.start(host, document)
    return Outcome(changed, {**record_of(host, document, scene), "timer": timer}, message="test mode is on already")


def _planned(
    host: Host, scene: Scene, changes: Mapping[str, str], point: Optional[Mapping[str, Any]], found: Sequence[Refusal]
) -> Outcome:
    after = scene.with_values(changes, TEST)
    would = {"mode": ON, "point": point, "obstacles": [dict(one._asdict()) for one in found]}
    warnings = [f"it would refuse: {one.message}" for one in found]
    record = {**record_of(host, scene.facts.document, after), **would, "warnings": warnings}
    return Outcome(True, record, listing(scene), listing(after), _said(changes))


def _said(changes: Mapping[str, str]) -> str:
    return f"{len(changes)} setting{'' if len(changes) == 1 else 's'} to test"
