# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there when test mode is entered, left or looked at: observed once, in one place."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Protocol, Sequence, Tuple, TypeVar

from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._core.fence import Rule, rules_in
from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import TEST
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode import FENCE, lasts, state_of
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_rules import Facts, Setting, unverified
from ansible_collections.relmgmt.release.plugins.module_utils._core.writes import Writer, Writes
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._fence.nft import Standing, observe_fence, raised_fence
from ansible_collections.relmgmt.release.plugins.module_utils._ledger_view import LedgerView
from ansible_collections.relmgmt.release.plugins.module_utils._module.interface_site import (
    Given,
    Site,
)

T = TypeVar("T")


class SiteLike(Protocol):
    """What test mode needs of a host's interfaces; ``Site`` is the real one."""

    def settings(self) -> List[Setting]: ...

    def parts(self) -> List[List[str]]: ...

    def check(self, values: Mapping[str, Optional[str]]) -> None: ...

    def write(self, values: Mapping[str, Optional[str]]) -> Tuple[int, ...]: ...

    def pending(self) -> List[str]: ...

    def value_for(self, key: str, mode: str) -> str: ...

    def queues(self) -> Dict[str, int]: ...

    def test_listeners(self) -> Dict[Tuple[str, int], str]: ...

    def rules(self) -> List[Rule]: ...

    def moved(self, rules: Sequence[Rule]) -> List[Rule]: ...

    def unfenced(self, rules: Sequence[Rule]) -> List[str]: ...

    def connections(self, rules: Sequence[Rule]) -> List[Dict[str, Any]]: ...

    def close(self) -> None: ...


def _written_after(
    instance: Dict[str, Any], positions: Dict[str, Any], writers: Sequence[Writer], scratch: str
) -> Writes:
    from ansible_collections.relmgmt.release.plugins.module_utils._module.restore import written_after

    return written_after(instance, positions, writers, scratch)


class World(NamedTuple):
    """How the outside is reached.

    ``site`` of what was given and a state directory; ``fence`` of a document, and
    ``raised`` where it was lost; ``written`` as ``restore.written_after``.
    """

    site: Callable[[Given, str], SiteLike] = Site
    fence: Callable[[Mapping[str, Any]], Standing] = observe_fence
    raised: Callable[[Mapping[str, Any]], Standing] = raised_fence
    written: Callable[[Dict[str, Any], Dict[str, Any], Sequence[Writer], str], Writes] = _written_after


WORLD = World()


class Scene(NamedTuple):
    """What was observed. ``fence``: {stands, differences, stopped}; ``connections``: as ``Site.connections``."""

    facts: Facts
    fence: Dict[str, Any]
    connections: List[Dict[str, Any]]

    def with_values(self, changes: Mapping[str, str], mode: str) -> Scene:
        """The scene as it would be after a write of values of ``mode``."""
        settings = tuple(
            one._replace(value=changes[one.key], means=mode) if one.key in changes else one
            for one in self.facts.settings
        )
        return self._replace(facts=self.facts._replace(settings=settings))

    def rows(self) -> List[Dict[str, Any]]:
        """The settings as the modules return them."""
        return [row(one) for one in self.facts.settings]


def row(one: Setting) -> Dict[str, Any]:
    """A setting as the modules return it."""
    return {"name": one.interface, "key": one.key, "value": one.value, "means": one.means}


def command_of(state_dir: str) -> str:
    """The host's own command."""
    return os.path.join(state_dir, "bin", "relmgmt-test-mode")


class _Blind:
    """Collects what could not be observed."""

    def __init__(self) -> None:
        self.told: List[str] = []

    def ask(self, what: Callable[[], T], instead: T) -> T:
        try:
            return what()
        except RelmgmtError as error:
            self.told.append(str(error))
            return instead


def observe(
    world: World, site: SiteLike, ledger: LedgerView, document: Optional[Mapping[str, Any]], now: float,
    accepted: str = "", entering: bool = False, going_back: bool = False,
) -> Scene:
    """Look at everything once. ``accepted``: who accepts that no fence stands; ``entering``: ports too.

    ``going_back``: ask neither queues nor names: what waits there, or leads elsewhere by now, hinders nobody.
    """
    blind, unheard = _Blind(), _Blind()
    fence = ledger.mode(FENCE)
    standing = blind.ask(lambda: world.fence(fence), None) if fence else None
    watched = entering or lasts(document)
    rules: List[Rule] = rules_in(fence)
    moved: List[Rule] = []
    if watched and not going_back:
        moved = site.moved(rules) if fence else []
        rules = [*rules, *moved] if fence else blind.ask(site.rules, [])
    connections: List[Dict[str, Any]] = blind.ask(lambda: site.connections(rules), []) if watched else []
    facts = Facts(
        now=now, document=document, settings=tuple(blind.ask(site.settings, [])),
        stands=standing.stands if standing else None if fence is None else False,
        differences=tuple(standing.differences) if standing else (),
        unfenced=tuple(site.unfenced(rules)) if fence else (), accepted=accepted,
        connections=tuple(_told(one) for one in connections),
        queues={} if going_back else (blind if entering else unheard).ask(site.queues, {}),
        listeners=blind.ask(site.test_listeners, {}) if entering else {},
        pending=tuple(blind.ask(site.pending, [])), blind=tuple(blind.told),
        unheard=tuple(unheard.told), moved=tuple(f"{one.interface} is at {one.address} too by now" for one in moved),
        fenced_since=float((fence or {}).get("since") or 0),
    )
    shown = {"stands": bool(facts.stands), "differences": list(facts.differences),
             "stopped": dict(standing.stopped) if standing else {}}
    return Scene(facts, shown, connections)


def _told(one: Mapping[str, Any]) -> str:
    who = f"{one['process'] or 'a process'} (process {one['pid']})" if one["pid"] else "a process that cannot be named"
    return f"{who} is connected to the production endpoint {one['remote']} of {one['interface']} from {one['local']}"


def acceptance(said: str) -> str:
    """Who accepts that no fence stands, and why; InvalidInput unless it names both."""
    name, _colon, reason = said.strip().partition(":")
    if not (name.strip() and reason.strip()):
        raise InvalidInput("it names no person and reason", "option without_fence", "write it as 'NAME: REASON'")
    return said.strip()


def write(site: SiteLike, changes: Mapping[str, Any], note: Any) -> None:
    """Write the settings part by part; a crash between two leaves what the ledger tells: a half that is fenced."""
    pids: List[int] = []
    for keys in site.parts():
        part = {key: changes[key] for key in keys if key in changes}
        if part:
            pids += site.write(part)
            note(writer_pids=list(pids))
            failpoint("test_mode:written")


def require_verified(host: Any, scene: Scene, mode: str) -> None:
    """Raise RelmgmtError unless every setting means ``mode`` (test, production), and is in force."""
    told = unverified(scene.facts, mode, command_of(host.state_dir))
    if told:
        otherwise = ", or leave test mode" if mode == TEST else ""
        raise RelmgmtError(
            f"{mode} mode is not verified: {'; '.join(told)}", place=host.ledger.path,
            cure=f"the fence stands; mend the cause and run again{otherwise}", problems=told,
        )


def listing(scene: Scene) -> str:
    """The settings as lines, the two sides of a diff."""
    return "".join(f"{one.key}: {one.value if one.value is not None else '(none)'} ({one.means})\n"
                   for one in scene.facts.settings)


def record_of(host: Any, document: Optional[Mapping[str, Any]], scene: Scene) -> Dict[str, Any]:
    """The result of ``test_mode``: the document's terms, and what was observed."""
    known = document or {}
    return {
        "mode": state_of(document), "interfaces": scene.rows(), "fence": scene.fence,
        "connections": scene.connections, "command": command_of(host.state_dir),
        **{key: known.get(key) for key in ("point", "restored", "entered_at", "ends_at", "left_at")},
    }
