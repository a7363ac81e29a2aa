# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration changes that a release names, in a cell, as they stand.

A JVM takes properties and options up when it starts. Which ones a running server has is told by a property of
ours, which changes with them: the configured one and the running one are compared.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_options import Place
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_rollout_view import RolloutView
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_session import WasSession
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import Observed, Setting, option_key
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

MARKER = "relmgmt.settings"
ENDPOINT = "NamedEndPoint"
WORD = re.compile(r'(?:"[^"]*"|[^\s"])+')


class WasSettingsView:
    """The settings of the servers of an application, looked at."""

    def __init__(self, wsadmin: WasSession, rollout: RolloutView) -> None:
        self._session = wsadmin
        self._rollout = rollout

    def observe(self, settings: Sequence[Setting]) -> Observed:
        """What is configured; servers that differ show as a text that nobody can want."""
        found = {one.key: self._values(one) for one in settings}
        values = {key: common(those) for key, those in found.items()}
        unlike = ", ".join(map(str, self._not_in_force()))
        return Observed(values, unlike and "not restarted since the last change: %s" % unlike)

    def _values(self, setting: Setting) -> Dict[str, Optional[str]]:
        """The value at each place where the setting stands, by what messages call that place."""
        rows = self._rows(setting)
        read = self._session.request("read_settings", settings=rows)["values"]
        values = [one["value"] if one["there"] else None for one in read]
        if setting.type == "jvm_option":
            values = [option_in(value or "", setting.name) for value in values]
        return {row.get("object") or "%(node)s/%(server)s" % row: one for row, one in zip(rows, values)}

    def _rows(self, setting: Setting) -> List[Dict[str, Any]]:
        """The setting in the words of the script, one row for each place where it stands."""
        kind, _colon, name = setting.name.partition(":")
        if setting.type == "jvm_property":
            return [dict(server_row("jvm_property", place), name=setting.name) for place in self._rollout.places]
        if setting.type == "jvm_option":
            return [server_row("jvm_arguments", place) for place in self._rollout.places]
        if setting.type == "variable":
            return [{"kind": "variable", "object": scope, "name": setting.name} for scope in self._scopes()]
        if setting.type == "resource" and kind == ENDPOINT:
            return [dict(server_row("endpoint", place), name=name) for place in self._rollout.places]
        if setting.type == "resource":
            return [{"kind": "attribute", "object": "/%s:%s/" % (kind, name), "attribute": setting.attribute}]
        cure = "take it out of the release: only Liberty has it"
        raise InvalidInput("a cell has no %s" % setting.type, setting.key, cure)

    def _scopes(self) -> List[str]:
        cluster = self._session.options.cluster
        if cluster:
            return ["/ServerCluster:%s/VariableMap:/" % cluster]
        return ["/Node:%s/Server:%s/VariableMap:/" % place for place in self._rollout.places]

    def _not_in_force(self) -> List[Place]:
        return [place for place in self._rollout.places if not self._in_force(place)]

    def _in_force(self, place: Place) -> bool:
        """Whether the running JVM is of this configuration; one that is stopped will be when it starts."""
        running = self._ask("in_force", place, name=MARKER)
        return not running["running"] or running["value"] == self._marker(place)

    def _marker(self, place: Place) -> str:
        """The configured marker, empty without one."""
        row = dict(server_row("jvm_property", place), name=MARKER)
        (configured,) = self._session.request("read_settings", settings=[row])["values"]
        return str(configured["value"])

    def _ask(self, operation: str, place: Place, **more: Any) -> Dict[str, Any]:
        return self._session.request(operation, cell=self._session.connect().cell, **place._asdict(), **more)

    @property
    def _place(self) -> str:
        return self._session.options.place


def option_in(arguments: str, name: str) -> Optional[str]:
    """The last of the options that a name stands for, which is the one that counts; None without one."""
    return next((word for word in reversed(WORD.findall(arguments)) if option_key(word) == name), None)


def common(values: Mapping[str, Optional[str]]) -> Optional[str]:
    """The value that all places share, else all of them in one text."""
    found = set(values.values())
    if len(found) == 1:
        return found.pop()
    return ", ".join("%s: %s" % pair for pair in sorted(values.items()))


def server_row(kind: str, place: Place) -> Dict[str, Any]:
    """A place in the words of the script."""
    return dict(place._asdict(), kind=kind)
