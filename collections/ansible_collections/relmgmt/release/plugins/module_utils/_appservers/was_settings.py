# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration changes that a release names, in a cell: refused, brought into force, server by server."""

from __future__ import annotations

import json
import os
import secrets
from typing import Any, Dict, Iterable, List, Mapping, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_options import Place
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_rollout import Rollout
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_rollout_view import BASE
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_session import (
    RequestFailed,
    WasSession,
    require_latin_1,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_settings_view import (
    ENDPOINT,
    MARKER,
    WORD,
    WasSettingsView,
    common,
    server_row,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.was_answers import TIMEOUT
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import (
    OF_JVM,
    Setting,
    option_key,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError, InvalidInput, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._files import write_durably

_PRIOR_MARKERS = "prior-markers.json"
_CURE = "make it the same on every server, then run again"


class WasSettings(WasSettingsView):
    """The settings of the servers of an application."""

    def __init__(self, wsadmin: WasSession, rollout: Rollout) -> None:
        super().__init__(wsadmin, rollout)
        self._rollout: Rollout = rollout

    def check(self, settings: Sequence[Setting]) -> None:
        """Refuse what a cell does not have, and what would be in force after a restart that is not allowed."""
        for one in settings:
            require_latin_1([one.name, one.value], self._place)
            if one.value is None and one.name.startswith("%s:" % ENDPOINT):
                cure = "give the port that it shall have"
                raise InvalidInput("%s: a port cannot be absent" % one.key, self._place, cure)
            values = self._values(one)
            if len(set(values.values())) > 1:
                raise AppServerError("%s differs between servers: %s" % (one.key, common(values)), self._place, _CURE)
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
            rows.append(dict(server_row("jvm_property", place), name=MARKER, there=int(marker != ""), value=marker))
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

    # -- servers -------------------------------------------------------------------------------

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


def with_option(arguments: str, name: str, wanted: Iterable[str]) -> str:
    """The arguments with the options of that name replaced; the others stay as they are."""
    return " ".join([*(word for word in WORD.findall(arguments) if option_key(word) != name), *wanted])
