# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings in files of a Liberty server that are its administrator's own: server.xml and bootstrap.properties.

The server takes server.xml in as its configuration says, and tells of it in its log. It reads bootstrap.properties
when it starts: a process that is older than the file runs by what was there before.
"""

from __future__ import annotations

import os
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_configuration import (
    configuration,
    monitoring,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_intake import Intake, served
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_pending import Pending
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_rest import Changed
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import liberty_server
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_update import Updates
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import RUNNING, STOPPED, UNKNOWN
from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import SettingPlace
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_config import DISABLED, POLLED
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_variables import hiding
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError, HostStateUnknown
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.files import FilePlaces
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context, Places, Written

SERVER_XML, BOOTSTRAP = "server_xml", "bootstrap_property"
_MARK = "@interfaces"  # @ is in no application's name
_CURE = "correct the value in the inventory"


class _Way(NamedTuple):
    """How a change comes into force: `trigger` tells the server of it; nothing does with `is_silent`."""

    trigger: str
    is_silent: bool


class LibertyFilePlaces(Places):
    """Variables and attributes in server.xml, and bootstrap properties, of one server."""

    def __init__(
        self, settings: Sequence[SettingPlace], context: Context,
        files: Callable[[Sequence[SettingPlace], Context], Places] = FilePlaces,
    ) -> None:
        super().__init__(settings, context)
        self._server = liberty_server((context.websphere or {})["liberty"])
        self._updates = Updates(self._server)
        self._marks = Pending(self._server.config_dir)
        self._paths = {
            SERVER_XML: os.path.join(self._server.config_dir, "server.xml"),
            BOOTSTRAP: os.path.join(self._server.config_dir, "bootstrap.properties"),
        }
        self._in_file = {one.key: self._file_setting(one) for one in settings}
        self._files = files(list(self._in_file.values()), context)
        self._seen: Optional[Dict[str, Optional[str]]] = None

    def read(self) -> Dict[str, Optional[str]]:
        found = self._files.read()
        self._seen = {key: found[one.key] for key, one in self._in_file.items()}
        return dict(self._seen)

    def check(self, values: Mapping[str, Optional[str]]) -> None:
        hidden = self._hidden()
        if hidden:
            raise AppServerError("; ".join(hidden), self._updates.place, "keep each in one place, and name that one")
        self._files.check(self._file_values(values))
        self._require_way()

    def write(self, values: Mapping[str, Optional[str]]) -> Written:
        """A restart that is needed and not allowed does not happen: `pending` tells of it."""
        self._require_way()
        seen = self.read() if self._seen is None else self._seen
        changed = [one for one in self.settings if one.key in values and values[one.key] != seen[one.key]]
        was_cut_off = bool(self._marks.of(_MARK))
        way = self._way({one.options["type"] for one in changed}, was_cut_off)
        if not changed and (way.is_silent and not was_cut_off):
            return Written()
        state = self._server.state()
        is_told = state == RUNNING and not way.is_silent
        written = self._bring_in(values, way) if is_told else self._lay(values, state)
        self._seen = {**seen, **values}
        return written

    def pending(self) -> str:
        found = self._hidden()
        state = self._server.state()
        if state == UNKNOWN:
            found.append("the state of the server cannot be observed")
        if state == RUNNING:
            started = self._server.started_at()
            found += ["%s was changed after the server was started" % path for path in self._newer(started)]
            if self._marks.of(_MARK) and not (started and _changed_at(self._marks.path(_MARK)) < started):
                found.append("the server was not seen to take in what was written last")
        return "; ".join(found)

    def close(self) -> None:
        self._files.close()

    # -- changing ----------------------------------------------------------------------------------

    def _way(self, types: Set[str], was_cut_off: bool) -> _Way:
        trigger = self._trigger()
        is_told = trigger != DISABLED and (SERVER_XML in types or was_cut_off)
        is_newer = bool(self._newer(self._server.started_at()))
        needs_restart = BOOTSTRAP in types or is_newer or (trigger == DISABLED and bool(types or was_cut_off))
        if needs_restart and self._server.may_restart:
            return _Way(DISABLED, False)
        return _Way(trigger, not is_told)

    def _bring_in(self, values: Mapping[str, Optional[str]], way: _Way) -> Written:
        path = self._paths[SERVER_XML]
        with self._marks.until_in_force(_MARK, {"files"}):
            intake = Intake(self._updates, _CURE, restart=way.trigger == DISABLED)
            roots = served(self._server)
            before = os.stat(path)
            written = self._files.write(self._file_values(values))
            if os.path.samestat(before, os.stat(path)) and way.trigger == POLLED:
                os.utime(path)  # what was cut off wrote it: the server is to look again, and to say so
            self._updates.announce(way.trigger, Changed(modified=[path]))
            intake.wait()
            intake.wait_for_applications(roots)
        return written

    def _lay(self, values: Mapping[str, Optional[str]], state: str) -> Written:
        """For a server that reads it when it starts."""
        written = self._files.write(self._file_values(values))
        if state == UNKNOWN:
            cure = "see what `server status` says, then run again"
            message = "the files are written, but whether the server runs cannot be observed"
            raise HostStateUnknown(message, self._updates.place, cure)
        if state == STOPPED and self._marks.of(_MARK):
            with self._marks.until_in_force(_MARK, ()):
                pass
        return written

    def _require_way(self) -> None:
        """Refuse where the server could not be told of a change, or where nothing would tell that it was taken in."""
        if self._has(SERVER_XML) and self._trigger() != DISABLED:
            self._updates.require(self._trigger())
        if self._server.state() == RUNNING and not os.path.exists(self._server.log):
            cure = "give relmgmt_websphere.liberty.log"
            raise AppServerError("nothing would tell that the configuration was taken in", self._server.log, cure)

    # -- observing ---------------------------------------------------------------------------------

    def _trigger(self) -> str:
        return monitoring(self._server).configuration

    def _has(self, kind: str) -> bool:
        return any(one.options["type"] == kind for one in self.settings)

    def _newer(self, started: Optional[float]) -> List[str]:
        """Files of ours that are read at the start only, and are younger than the process; none if that is unknown."""
        kinds = [BOOTSTRAP] if self._has(BOOTSTRAP) else []
        if self._has(SERVER_XML) and self._trigger() == DISABLED:
            kinds.append(SERVER_XML)
        paths = [self._paths[kind] for kind in kinds if os.path.exists(self._paths[kind])]
        return [path for path in paths if started is not None and _changed_at(path) > started]

    def _hidden(self) -> List[str]:
        """Settings that another place decides, whatever stands in theirs."""
        files = configuration(self._server)
        found = []
        for one in self.settings:
            name, kind = one.options["name"], one.options["type"]
            by = "" if "/" in name else hiding(files, name, self._paths[kind])
            if kind == BOOTSTRAP:
                by = by or self._hiding_property(name)
            if by:
                found.append("%s is decided by %s" % (one.key, by))
        return found

    def _hiding_property(self, name: str) -> str:
        options = self._server.jvm_options() or []
        if any(one.startswith("-D%s=" % name) for one in options):
            return "an option of the server's JVM"
        path = os.path.join(self._server.config_dir, "variables", name)
        return path if os.path.exists(path) else ""

    # -- files -------------------------------------------------------------------------------------

    def _file_values(self, values: Mapping[str, Optional[str]]) -> Dict[str, Optional[str]]:
        return {self._in_file[key].key: value for key, value in values.items()}

    def _file_setting(self, setting: SettingPlace) -> SettingPlace:
        kind, name = setting.options["type"], setting.options["name"]
        options = {"path": self._paths[kind], "format": "properties", "key": name}
        if kind == SERVER_XML:
            key = name if "/" in name else "server/variable[@name='%s']/@value" % name
            options.update(format="xml", key=key)
        return setting._replace(kind="file", options=options)


def _changed_at(path: str) -> float:
    """When a file came to be what it is: seconds of the epoch."""
    status = os.stat(path)
    return max(status.st_mtime, status.st_ctime)
