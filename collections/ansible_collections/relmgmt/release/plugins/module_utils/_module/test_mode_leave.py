# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of ``test_mode`` with ``state: production``: leaving, from any moment of entering or leaving.

It asks no inventory: interfaces, instance and values are those that the ledger remembers (invariant 14).
"""

from __future__ import annotations

import contextlib
from contextlib import closing
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import PRODUCTION
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode import (
    DOCUMENT,
    FENCE,
    LEAVING,
    OFF,
    is_back,
    lasts,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_rules import (
    acceptable_points,
    fence_obstacles,
    proof,
    proofs_obstacle,
    unverified,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput, Refused, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._module import host_reserve, host_timer
from ansible_collections.relmgmt.release.plugins.module_utils._module.banner import show_banner
from ansible_collections.relmgmt.release.plugins.module_utils._module.interface_site import Given
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome
from ansible_collections.relmgmt.release.plugins.module_utils._module.test_mode_scene import (
    Scene,
    SiteLike,
    World,
    command_of,
    listing,
    observe,
    record_of,
    require_verified,
    write,
)

Document = Dict[str, Any]


def leave(host: Host, document: Optional[Document], world: World) -> Outcome:
    """Every setting of this host means production again, and the data are those of the point."""
    if document is None or not lasts(document):
        return _stay(host, document, world)
    outcome = host.params["outcome"] or document["outcome"]
    if not outcome:
        raise InvalidInput("how the tests ended is not said", "option outcome", "give signed_off or rejected")
    restored = _restored(host, document, outcome, world)
    with closing(world.site(Given.remembered(document, host.params), host.state_dir)) as site:
        accepted = document["without_fence"] or host.params["without_fence"]
        if not accepted:
            _raise_again(host, world, document)
        scene = observe(world, site, host.ledger, document, host.now(), accepted, going_back=True)
        _require_fence(host, scene, document)
        changes = _changes(site, scene, document)
        if host.check_mode:
            after = scene.with_values(changes, PRODUCTION)
            would = {"mode": OFF, "restored": restored}
            return Outcome(True, {**record_of(host, document, after), **would}, listing(scene), listing(after),
                           _said(changes))
        leaving = {**document, "outcome": outcome, "restored": restored, "without_fence": accepted}
        return _carry_out(host, world, site, scene, leaving, changes)


def _stay(host: Host, document: Optional[Document], world: World) -> Outcome:
    """Test mode is off already. What means something else then was not switched by test mode."""
    own = document is not None and document["change"] == host.params["change"]
    given = Given.remembered(document, host.params) if document is not None and own else Given.of(host.params)
    with closing(world.site(given, host.state_dir)) as site:
        scene = observe(world, site, host.ledger, document, host.now(), going_back=True)
    told = unverified(scene.facts, PRODUCTION, command_of(host.state_dir))
    if told:
        raise Refused(
            "this host is not in test mode, but: " + "; ".join(told), place=host.ledger.path,
            cure="find out who changed it, and set it to its production value by hand", problems=told,
        )
    return Outcome(False, record_of(host, document, scene), message="the interfaces point at production already")


def _restored(host: Host, document: Document, outcome: str, world: World) -> Dict[str, Any]:
    """The restore that leaving relies on; raises Refused without one."""
    if is_back(document):  # users may be at work since: another restore would lose what they write
        return dict(document["restored"])
    if document["instance"] is None:
        return _restored_elsewhere(host, document)
    ledger, change = host.ledger, document["change"]
    accepted = acceptable_points(document, ledger.points(change), outcome)
    found, why = proof(document, ledger.acts(change), accepted)
    if found is None:
        raise Refused(
            f"the datasets still hold what testers wrote, or may: {why}", place=host.ledger.path,
            cure=f"restore first: ansible-playbook playbooks/leave-test-mode.yml -e change={change}, "
            f"or on this host {command_of(host.state_dir)} leave",
            points=sorted(accepted),
        )
    if not host.check_mode:  # asking flushes the journals
        _require_nothing_written(host, document, found.pop("positions"), world)
    found.pop("positions", None)
    return {**found, "host": str(next(iter(document["here"]), ""))}


def _require_nothing_written(host: Host, document: Document, positions: Dict[str, Any], world: World) -> None:
    """Who has written since the restore has written test data again. What an engine cannot tell hinders nobody."""
    from ansible_collections.relmgmt.release.plugins.module_utils._module.restore import release_writers

    writers = release_writers(host.ledger, document["change"])
    instance = Given.remembered(document, host.params).instance
    seen = world.written(dict(instance or {}), positions, writers, host.tmpdir)
    if seen.total:
        by = ", ".join(f"{who}: {count}" for who, count in sorted(seen.by.items()))
        raise Refused(
            f"the datasets were written to since they were restored ({seen.total} writes; {by})",
            place=host.ledger.path, cure="quiesce the application, then restore again",
        )


def _restored_elsewhere(host: Host, document: Document) -> Dict[str, Any]:
    proofs: List[Dict[str, Any]] = list(host.params["restored"])
    if not proofs and document["restored"]:
        return dict(document["restored"])
    obstacle = proofs_obstacle(document, proofs)
    if obstacle is not None:
        raise Refused(obstacle.message, place=host.ledger.path, cure=obstacle.cure)
    newest = max(proofs, key=lambda one: float(one["at"]))
    return {key: newest[key] for key in ("path", "root_digest", "at", "host")}


def _raise_again(host: Host, world: World, document: Document) -> None:
    """A fence that was lost is put up again; whether it stands then is looked at by ``_require_fence``."""
    fence = host.ledger.mode(FENCE)
    if fence is not None and not is_back(document) and not host.check_mode:
        with contextlib.suppress(RelmgmtError):
            world.raised(fence)


def _require_fence(host: Host, scene: Scene, document: Document) -> None:
    """Until every setting is verified, the fence has to stand; afterwards it may come down."""
    found = [] if is_back(document) else fence_obstacles(scene.facts, command_of(host.state_dir))
    if scene.facts.blind:
        raise Refused("; ".join(scene.facts.blind), place=host.ledger.path, cure="see why it cannot be observed")
    if found and not host.check_mode:
        raise Refused(found[0].message, place=host.ledger.path, cure=found[0].cure)


def _changes(site: SiteLike, scene: Scene, document: Document) -> Dict[str, str]:
    """What has to be written: in general what lies outside datasets, for the restore has brought the others back."""
    previous: Mapping[str, Any] = document["previous"]
    return {
        one.key: previous.get(one.key) or site.value_for(one.key, PRODUCTION)
        for one in scene.facts.settings if one.means != PRODUCTION
    }


def _carry_out(
    host: Host, world: World, site: SiteLike, scene: Scene, leaving: Document, changes: Mapping[str, str]
) -> Outcome:
    intent = {"state": PRODUCTION, "outcome": leaving["outcome"], "person": host.params["person"],
              "settings": dict(changes), "found": {one.key: one.value for one in scene.facts.settings}}
    with host.act("test_mode", f"interfaces:{PRODUCTION}", intent, {}) as act:
        document = {**leaving, "state": LEAVING}
        host.ledger.set_mode(DOCUMENT, document)
        failpoint("test_mode:leaving")
        write(site, changes, act.note)
        after = observe(world, site, host.ledger, document, host.now(), document["without_fence"], going_back=True)
        require_verified(host, after, PRODUCTION)
        failpoint("test_mode:production")
        document = {**document, "ports_verified": True}
        host.ledger.set_mode(DOCUMENT, document)
        failpoint("test_mode:ports_verified")
        warnings = _quiet(document)
        host_timer.stop(host.state_dir, document)
        failpoint("test_mode:quiet")
        document = {**document, "state": OFF, "left_at": host.now()}
        host.ledger.set_mode(DOCUMENT, document)
    host_reserve.give_up(host.state_dir)
    record = {**record_of(host, document, after), "warnings": warnings}
    return Outcome(True, record, listing(scene), listing(after), _said(changes))


def _quiet(document: Document) -> List[str]:
    """Take the banner down. One that stays is told, and hinders nobody: no inventory could mend it (invariant 14)."""
    try:
        show_banner(document["banner"], "off")
    except (RelmgmtError, OSError) as error:
        return [f"the banner of test mode may still be shown: {error}"]
    return []


def _said(changes: Mapping[str, str]) -> str:
    if not changes:
        return "every setting means production already"
    return f"{len(changes)} setting{'' if len(changes) == 1 else 's'} to production"
