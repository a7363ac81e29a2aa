# SPDX-License-Identifier: GPL-3.0-or-later
"""IBM HTTP Server through the file of its WebSphere plug-in, which the plug-in reads again by itself."""

from __future__ import annotations

import os
import time
from typing import Any, Dict

from ansible_collections.relmgmt.release.plugins.module_utils._backup.lock import alone
from ansible_collections.relmgmt.release.plugins.module_utils._core.plugin_cfg import (
    Cluster,
    members,
    read_cluster,
    refresh_interval,
    with_server,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.proxy_state import DRAINED, Member
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._files import replace_durably
from ansible_collections.relmgmt.release.plugins.module_utils._proxies.connections import open_connections
from ansible_collections.relmgmt.release.plugins.module_utils._proxies.port import Proxy

_TURN_SECONDS = 120  # another server's turn at the file
#: seconds beside RefreshInterval: the plug-in compares whole seconds
_ROUNDING = 1.0


class Ihs(Proxy):
    """One cluster of one plug-in file."""

    can_close = False

    def __init__(self, options: Dict[str, Any]) -> None:
        # A link is followed: the rename must not replace it.
        self.place = os.path.realpath(options["plugin_file"])
        self.cluster: str = options["cluster"]

    def look(self) -> Dict[str, Member]:
        text = self._text()
        in_force = self._wait_seconds(text) <= 0
        found = members(read_cluster(text, self.cluster, self.place))
        return {name: member._replace(in_force=in_force) for name, member in found.items()}

    def set_state(self, name: str, state: str) -> None:
        with alone(os.path.dirname(self.place), "changes the plug-in file", _TURN_SECONDS):
            text = self._text()
            self._wait_seconds(text)  # one that is never read again is refused before it is written
            changed = with_server(text, self.cluster, name, state == DRAINED, self.place)
            if changed != text:
                replace_durably(self.place, changed.encode("utf-8"))
        while (left := self._wait_seconds(self._text())) > 0:
            time.sleep(left)

    def busy(self, name: str) -> int:
        transport = self._cluster().transports.get(name)
        if transport is None:
            raise InvalidInput("the server %s has no Transport" % name, self.place, "generate the file again")
        return open_connections(transport.host, transport.port)

    def affinity(self) -> bool:
        """The plug-in goes by the clone id in the session's cookie."""
        return all(self._cluster().clones.values())

    def _cluster(self) -> Cluster:
        return read_cluster(self._text(), self.cluster, self.place)

    def _wait_seconds(self, text: str) -> float:
        """Seconds until every process of the web server has read the file as it is."""
        interval = refresh_interval(text)
        if interval < 0:
            raise InvalidInput(
                "the plug-in never reads the file again: RefreshInterval is %d" % interval, self.place,
                "set RefreshInterval to a few seconds and restart the web server once",
            )
        return os.stat(self.place).st_mtime + interval + _ROUNDING - time.time()

    def _text(self) -> str:
        with open(self.place, encoding="utf-8", newline="") as stream:
            return stream.read()
