# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of an application server that its adapter has words for: variables, JVM properties, resources."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.choose import app_server
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_configuration import configuration
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import liberty_server
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import AppServer
from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import SettingPlace
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_settings import OVERRIDE
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_variables import hiding
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import (
    VARIABLE,
    Observed,
    Setting,
    differing,
    settings_of,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context, Places, Written


class AppServerPlaces(Places):
    """Settings of one server, or of all servers of one cell."""

    def __init__(
        self, settings: Sequence[SettingPlace], context: Context,
        opened: Callable[[Dict[str, Any]], AppServer] = app_server,
    ) -> None:
        super().__init__(settings, context)
        self._wanted = {one.key: _setting(one, None) for one in settings}
        settings_of([_entry(one) for one in settings], {})  # refuses one that is named twice
        self._server = opened(dict(context.websphere or {}))
        self._seen: Optional[Dict[str, Optional[str]]] = None

    def read(self) -> Dict[str, Optional[str]]:
        self._seen = self._values(self._observe())
        return dict(self._seen)

    def check(self, values: Mapping[str, Optional[str]]) -> None:
        for key, path in self._hidden().items():
            raise AppServerError("%s is decided by another file" % key, path, "keep it in one place, and name that one")
        self._server.check_settings(self._todo(values, self._observe()), {})

    def write(self, values: Mapping[str, Optional[str]]) -> Written:
        """What somebody else changed since `read` is left alone, as far as the server lets that be seen."""
        observed = self._observe()
        now = self._values(observed)
        self._require_as_seen(now, values)
        todo = self._todo(values, observed)
        if todo:
            self._server.check_settings(todo, {})
            self._server.apply_settings(todo, {})
            self._require(todo)
        self._seen = {**now, **values}
        return Written()

    def pending(self) -> str:
        hidden = ["%s is decided by %s" % pair for pair in self._hidden().items()]
        return "; ".join([*hidden, *filter(None, [self._observe().pending])])

    def close(self) -> None:
        self._server.close()

    def _observe(self) -> Observed:
        return self._server.observe_settings(list(self._wanted.values()))

    def _hidden(self) -> Dict[str, str]:
        """By key of a Liberty variable another file that decides it, whatever stands in ours."""
        websphere = self.context.websphere or {}
        names = {key: one.name for key, one in self._wanted.items() if one.type == VARIABLE}
        if not names or websphere.get("kind", "liberty") != "liberty":
            return {}
        server = liberty_server(websphere["liberty"])
        files, ours = configuration(server), os.path.join(server.overrides, OVERRIDE)
        found = {key: hiding(files, name, ours) for key, name in names.items()}
        return {key: path for key, path in found.items() if path}

    def _values(self, observed: Observed) -> Dict[str, Optional[str]]:
        return {key: observed.values[one.key] for key, one in self._wanted.items()}

    def _todo(self, values: Mapping[str, Optional[str]], observed: Observed) -> List[Setting]:
        """What differs; if anything is pending, all that is asked for."""
        wanted = [self._wanted[key]._replace(value=value) for key, value in values.items()]
        return wanted if observed.pending else differing(wanted, observed.values)

    def _require_as_seen(self, now: Mapping[str, Optional[str]], values: Mapping[str, Optional[str]]) -> None:
        seen = now if self._seen is None else self._seen
        changed = [key for key in values if now[key] != seen[key] and now[key] != values[key]]
        if changed:
            message = "%s changed between looking and writing; nothing was written" % ", ".join(changed)
            raise AppServerError(message, self._server.place, "find out who changes this server, then run again")

    def _require(self, settings: Sequence[Setting]) -> None:
        """Success is what is seen afterwards."""
        unlike = differing(settings, self._server.observe_settings(settings).values)
        if unlike:
            message = "the configuration is not what was set: %s" % ", ".join(one.key for one in unlike)
            raise AppServerError(message, self._server.place, "find out who else changes this server, then run again")


def _setting(place: SettingPlace, value: Optional[str]) -> Setting:
    return Setting(place.options["type"], place.options["name"], value, "", place.options.get("attribute", ""))


def _entry(place: SettingPlace) -> Dict[str, Any]:
    return {**{name: place.options.get(name) for name in ("type", "name", "attribute")}, "state": "absent"}
