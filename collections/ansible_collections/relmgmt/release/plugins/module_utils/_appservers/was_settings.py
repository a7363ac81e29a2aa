# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration changes that a release names, in a cell: read, refused, brought into force, server by server.

A JVM takes properties and options up when it starts. Which ones a running server has is told by a property of
ours, which changes with them: the configured one and the running one are compared.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_options import Place
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_rollout import BASE, Rollout
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_session import (
    RequestFailed,
    WasSession,
    require_latin_1,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.was_answers import TIMEOUT
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import (
    OF_JVM,
    Observed,
    Setting,
    option_key,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError, InvalidInput, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._files import write_durably

MARKER = "relmgmt.settings"
_PRIOR_MARKERS = "prior-markers.json"
_ENDPOINT = "NamedEndPoint"
_WORD = re.compile(r'(?:"[^"]*"|[^\s"])+')
_CURE = "make it the same on every server, then run again"


class WasSettings:
    """The settings of the servers of an application."""

    def __init__(self, wsadmin: WasSession, rollout: Rollout) -> None:
        self._session = wsadmin
        self._rollout = rollout

    def observe(self, settings: Sequence[Setting]) -> Observed:
        """What is configured; servers that differ show as a text that nobody can want."""
        found = {one.key: self._values(one) for one in settings}
        values = {key: _common(those) for key, those in found.items()}
        unlike = ", ".join(map(str, self._not_in_force()))
        return Observed(values, unlike and "not restarted since the last change: %s" % unlike)

    def check(self, settings: Sequence[Setting]) -> None:
        """Refuse what a cell does not have, and what would be in force after a restart that is not allowed."""
        for one in settings:
            require_latin_1([one.name, one.value], self._place)
            if one.value is None and one.name.startswith("%s:" % _ENDPOINT):
                cure = "give the port that it shall have"
                raise InvalidInput("%s: a port cannot be absent" % one.key, self._place, cure)
            values = self._values(one)
            if len(set(values.values())) > 1:
                raise AppServerError("%s differs between servers: %s" % (one.key, _common(values)), self._place, _CURE)
        of_jvm = [one.key for one in settings if one.type in OF_JVM]
        unlike = self._not_in_force()
        if unlike:  # whatever is named now: apply restarts these too
            of_jvm.append("an earlier change (%s)" % ", ".join(map(str, unlike)))
        if of_jvm and self._session.connect().process == BASE:
            cure = "have the administrator set it and restart the server: a session ends with its server"
            raise AppServerError("a base server cannot be restarted here for %s" % ", ".join(of_jvm), self._place, cure)
        if of_jvm and not self._session.options.may_restart:
            cure = "set may_restart in relmgmt_websphere.was, or take it out of the release"
            raise AppServerError("servers have to be restarted for %s" % ", ".join(of_jvm), self._place, cure)

    def keep(self, settings: Sequence[Setting], directory: str) -> Dict[str, str]:
        """Keep what the marker was before, for going back to it; a cell's settings have no other files."""
        if not any(one.type in OF_JVM for one in settings):
            return {}
        markers = json.dumps({str(place): self._marker(place) for place in self._rollout.places})
        write_durably(os.path.join(directory, _PRIOR_MARKERS), markers.encode("utf-8"), 0o640)
        return {MARKER: _PRIOR_MARKERS}

    def apply(self, settings: Sequence[Setting], files: Mapping[str, str]) -> Dict[str, Any]:
        """Bring these into force, those without a value out of it; the same again changes nothing.

        ``files``: by the marker's name what ``keep`` wrote, in going back.
        """
        seen = self.observe(settings)
        changed = [one for one in settings if seen.values[one.key] != one.value]
        if changed:
            self._write(changed, files.get(MARKER, ""))
        restarted = self._not_in_force()
        for place in restarted:
            self._restart(place)
        return {"changed": bool(changed or restarted), "restarted": bool(restarted), "errors": []}

    # -- the configuration ---------------------------------------------------------------------

    def _write(self, settings: Sequence[Setting], prior: str) -> None:
        rows = [row for one in settings for row in self._rows_to_write(one)]
        if any(one.type in OF_JVM for one in settings):
            rows += self._marker_rows(prior)
        # Several options of one JVM are one text: each is written before the next one is read.
        try:
            for row in rows:
                self._session.request("write_settings", settings=[self._resolved(row)])
        except RelmgmtError:
            self._rollout.drop()
            raise
        self._rollout.save(lambda: self.observe(settings).values == {one.key: one.value for one in settings})
        self._rollout.distribute()

    def _marker_rows(self, prior: str) -> List[Dict[str, Any]]:
        """A marker that was never there before; in going back the prior one, or none if there was none."""
        markers = dict.fromkeys(map(str, self._rollout.places), secrets.token_hex(8))
        if prior:
            with open(prior, encoding="utf-8") as stream:
                markers = json.load(stream)
        rows = []
        for place in self._rollout.places:
            marker = markers.get(str(place), "")
            rows.append(dict(_server("jvm_property", place), name=MARKER, there=int(marker != ""), value=marker))
        return rows

    def _rows_to_write(self, setting: Setting) -> List[Dict[str, Any]]:
        there = int(setting.value is not None)
        return [dict(row, there=there, value=setting.value or "", option=setting.name) for row in self._rows(setting)]

    def _resolved(self, row: Dict[str, Any]) -> Dict[str, Any]:
        if row["kind"] != "jvm_arguments":
            return row
        (now,) = self._session.request("read_settings", settings=[row])["values"]
        wanted = [row["value"]] if row["there"] else []
        return dict(row, there=1, value=with_option(now["value"], row["option"], wanted))

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
            return [dict(_server("jvm_property", place), name=setting.name) for place in self._rollout.places]
        if setting.type == "jvm_option":
            return [_server("jvm_arguments", place) for place in self._rollout.places]
        if setting.type == "variable":
            return [{"kind": "variable", "object": scope, "name": setting.name} for scope in self._scopes()]
        if setting.type == "resource" and kind == _ENDPOINT:
            return [dict(_server("endpoint", place), name=name) for place in self._rollout.places]
        if setting.type == "resource":
            return [{"kind": "attribute", "object": "/%s:%s/" % (kind, name), "attribute": setting.attribute}]
        cure = "take it out of the release: only Liberty has it"
        raise InvalidInput("a cell has no %s" % setting.type, setting.key, cure)

    def _scopes(self) -> List[str]:
        cluster = self._session.options.cluster
        if cluster:
            return ["/ServerCluster:%s/VariableMap:/" % cluster]
        return ["/Node:%s/Server:%s/VariableMap:/" % place for place in self._rollout.places]

    # -- servers -------------------------------------------------------------------------------

    def _not_in_force(self) -> List[Place]:
        return [place for place in self._rollout.places if not self._in_force(place)]

    def _in_force(self, place: Place) -> bool:
        """Whether the running JVM is of this configuration; one that is stopped will be when it starts."""
        running = self._ask("in_force", place, name=MARKER)
        return not running["running"] or running["value"] == self._marker(place)

    def _marker(self, place: Place) -> str:
        """The configured marker, empty without one."""
        row = dict(_server("jvm_property", place), name=MARKER)
        (configured,) = self._session.request("read_settings", settings=[row])["values"]
        return str(configured["value"])

    def _restart(self, place: Place) -> None:
        """Stop and start one server and wait until the applications that ran on it run again."""
        before = set(self._ask("applications", place)["applications"])
        self._order("stop_server", place)
        where = str(place)
        self._rollout.wait(lambda: not self._ask("applications", place)["running"], "server %s to stop" % where, where)
        self._order("start_server", place)

        def back() -> bool:
            seen = self._ask("applications", place)
            return bool(seen["running"]) and before <= set(seen["applications"])

        what = "server %s to start with %s" % (where, ", ".join(sorted(before)) or "nothing")
        self._rollout.wait(back, what, where)

    def _order(self, operation: str, place: Place) -> None:
        try:
            self._ask(operation, place)
        except RequestFailed as error:
            if error.kind != TIMEOUT:
                raise

    def _ask(self, operation: str, place: Place, **more: Any) -> Dict[str, Any]:
        return self._session.request(operation, cell=self._session.connect().cell, **place._asdict(), **more)

    @property
    def _place(self) -> str:
        return self._session.options.place


def option_in(arguments: str, name: str) -> Optional[str]:
    """The last of the options that a name stands for, which is the one that counts; None without one."""
    return next((word for word in reversed(_WORD.findall(arguments)) if option_key(word) == name), None)


def with_option(arguments: str, name: str, wanted: Iterable[str]) -> str:
    """The arguments with the options of that name replaced; the others stay as they are."""
    return " ".join([*(word for word in _WORD.findall(arguments) if option_key(word) != name), *wanted])


def _common(values: Mapping[str, Optional[str]]) -> Optional[str]:
    """The value that all places share, else all of them in one text."""
    found = set(values.values())
    if len(found) == 1:
        return found.pop()
    return ", ".join("%s: %s" % pair for pair in sorted(values.items()))


def _server(kind: str, place: Place) -> Dict[str, Any]:
    return dict(place._asdict(), kind=kind)
