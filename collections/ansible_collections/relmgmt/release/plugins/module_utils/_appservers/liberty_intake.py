# SPDX-License-Identifier: GPL-3.0-or-later
"""One change of configuration on its way into a Liberty server, which its log tells of."""

from __future__ import annotations

import os
import time
from typing import List, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_configuration import configuration
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_log import LibertyLog
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import LibertyServer, serves
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_update import Updates
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_config import is_override, read_override
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_messages import ConfigWatch, config_errors
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError


class Intake:
    """Made right before files are changed, which marks the log; waits after the server was told of them.

    `features`: the change asks for features; `restart`: the server is started anew. `cure`: what to do where the
    server refuses it.
    """

    def __init__(self, updates: Updates, cure: str, features: bool = False, restart: bool = False) -> None:
        self._updates = updates
        self._server = updates.server
        self._cure = cure
        known = config_errors(LibertyLog(self._server.log).whole()) if restart else []
        self._log = LibertyLog(self._server.log)
        self.watch = ConfigWatch(features, restart, known)

    def wait(self) -> None:
        """Until the server has taken it in; raises AppServerError where it refuses it, or says nothing of it."""
        watch = self.watch
        deadline = time.monotonic() + self._server.start_timeout
        self._updates.follow(
            self._log, watch, lambda: watch.verdict.state != "waiting", deadline, "the configuration",
            "was not taken in",
        )
        if watch.verdict.state == "failed":
            message = "the server refuses the configuration: %s" % watch.verdict.message
            raise AppServerError(message, self._updates.place, self._cure, errors=watch.errors[:20])

    def wait_for_applications(self, roots: Sequence[str]) -> None:
        """Let those that answered before answer again. No failure here: an older application may not run with the
        newer configuration, and its own deployment or the verification tells what became of it."""
        watch, server = self.watch, self._server
        deadline = time.monotonic() + server.start_timeout

        def settled() -> bool:
            is_over = watch.application_failed or time.monotonic() >= deadline
            return is_over or all(serves(server.url, root) for root in roots)

        limit = deadline + server.start_timeout
        self._updates.follow(self._log, watch, settled, limit, "the configuration", "was not settled")


def served(server: LibertyServer) -> List[str]:
    """Context roots of releases' applications that answer."""
    roots = []
    for path, data in configuration(server):
        if is_override(os.path.basename(path)):
            roots.append(read_override(data, path).context_root)
    return [root for root in roots if serves(server.url, root)]
