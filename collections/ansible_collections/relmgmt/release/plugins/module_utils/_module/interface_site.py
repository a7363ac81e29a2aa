# SPDX-License-Identifier: GPL-3.0-or-later
"""The external interfaces as this host has them: settings, fence, connections, queues, test ports.

``Site`` is the one seam between test mode and what it works on; the tests' fake has no more than this.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.fence import (
    Rule,
    concerned,
    moved,
    rules_for,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import (
    INBOUND,
    SettingPlace,
    interfaces_of,
    meaning,
    queues_here,
    settings_here,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_rules import Setting
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._fence.connections import established, listeners
from ansible_collections.relmgmt.release.plugins.module_utils._fence.resolve import resolve
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.choose import (
    places_of,
    queue_depths,
    read_all,
)
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context, Places
from ansible_collections.relmgmt.release.plugins.module_utils._module.instance import with_secrets

#: kinds of places that lie in a dataset, so that a restore brings them back
INSIDE = frozenset(["global_node", "production_setting", "default_setting"])


class Given(NamedTuple):
    """What names the settings of a host and reaches them: as the inventory says, or as the ledger remembers."""

    interfaces: Sequence[Mapping[str, Any]]
    here: Sequence[str]
    instance: Optional[Mapping[str, Any]]
    websphere: Optional[Mapping[str, Any]]

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> Given:
        """From a module's options, or from the document of test mode."""
        return cls(source["interfaces"], source["here"], source["instance"], source["websphere"])

    @classmethod
    def remembered(cls, document: Mapping[str, Any], params: Mapping[str, Any]) -> Given:
        """As the document of test mode says, with the passwords of the module's options: the ledger keeps none."""
        known = cls.of(document)
        return known._replace(instance=with_secrets(known.instance, params.get("instance")),
                              websphere=with_secrets(known.websphere, params.get("websphere")))


class Site:
    """The interfaces on one host. Every method may raise RelmgmtError."""

    def __init__(self, given: Given, state_dir: str) -> None:
        context = Context(given.instance, given.websphere, state_dir)
        self._context = context
        self._here = tuple(given.here)
        self._interfaces = interfaces_of(given.interfaces)
        self._settings = settings_here(self._interfaces, self._here)
        self._places: Optional[List[Places]] = None

    def settings(self) -> List[Setting]:
        """Every setting of this host as it stands."""
        values = read_all(self._open())
        return [_seen(one, values[one.key]) for one in self._settings]

    def parts(self) -> List[List[str]]:
        """The keys of the settings that are written together, those in datasets first."""
        return [[setting.key for setting in one.settings] for one in self._open()]

    def check(self, values: Mapping[str, Optional[str]]) -> None:
        """Refuse, before anything is touched, what cannot be written."""
        for one in self._open():
            one.check({key: values[key] for key in _keys(one) if key in values})

    def write(self, values: Mapping[str, Optional[str]]) -> Tuple[int, ...]:
        """Write the settings of one part; processes of ours that wrote to datasets."""
        pids: List[int] = []
        for one in self._open():
            ours = {key: values[key] for key in _keys(one) if key in values}
            if ours:
                pids += one.write(ours).pids
        return tuple(pids)

    def pending(self) -> List[str]:
        """Why what stands is not yet in force, a sentence for each adapter that says so."""
        return [said for said in (one.pending() for one in self._open()) if said]

    def value_for(self, key: str, mode: str) -> str:
        """The value of a setting in ``mode``, production or test."""
        return str(getattr(next(one for one in self._settings if one.key == key), mode))

    def queues(self) -> Dict[str, int]:
        """How much each interface has still to send, by its name."""
        return queue_depths(queues_here(self._interfaces, self._here), self._context)

    def test_listeners(self) -> Dict[Tuple[str, int], str]:
        """Who listens on a test port of an inbound interface that this host holds, by interface and port."""
        held = {one.interface for one in self._settings}
        found = {}
        for one in self._interfaces:
            if one.direction == INBOUND and one.name in held:
                who = listeners([one.test.port], protocol=one.protocol).get(one.test.port, [])
                names = [f"{each.name or '?'} (process {each.pid})" for each in who]
                if names:
                    found[one.name, one.test.port] = ", ".join(names)
        return found

    def rules(self) -> List[Rule]:
        """The rules that would shut every production endpoint off; InvalidInput for a host that does not resolve."""
        return rules_for(concerned(self._interfaces, self._here), resolve(self._interfaces))

    def moved(self, rules: Sequence[Rule]) -> List[Rule]:
        """The rules that are missing where production's names lead by now; one that leads nowhere reaches nobody."""
        found: List[Rule] = []
        for one in concerned(self._interfaces, self._here):
            with suppress(InvalidInput):
                found += moved(one, resolve([one]), rules)
        return found

    def unfenced(self, rules: Sequence[Rule]) -> List[str]:
        """Interfaces that no rule shuts off: by name, direction, protocol and port of production."""
        shut = {(one.interface, one.direction, one.protocol, one.port) for one in rules}
        return [one.name for one in concerned(self._interfaces, self._here)
                if (one.name, one.direction, one.protocol, one.production.port) not in shut]

    def connections(self, rules: Sequence[Rule]) -> List[Dict[str, Any]]:
        """Established connections with a production endpoint: interface, local, remote, pid, process."""
        return [dict(one._asdict()) for one in established(rules)]

    def close(self) -> None:
        """Let go of what was opened."""
        for one in self._places or ():
            with suppress(RelmgmtError):
                one.close()
        self._places = None

    def _open(self) -> List[Places]:
        if self._places is None:
            self._places = places_of(self._settings, self._context)
        return self._places


def _keys(places: Places) -> List[str]:
    return [one.key for one in places.settings]


def _seen(setting: SettingPlace, value: Optional[str]) -> Setting:
    return Setting(setting.interface, setting.key, value, meaning(setting, value), setting.kind in INSIDE)
