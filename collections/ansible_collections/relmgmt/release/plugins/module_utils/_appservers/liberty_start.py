# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for one deployment on Liberty: its own start message, or its health endpoint; failures end it at once."""

from __future__ import annotations

import time
from typing import Any, Dict

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_log import LibertyLog
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import serves
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_update import Updates
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_messages import Watch
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError


class Start:
    """Made right before the cutover, which marks the log; `wait` after it.

    The health endpoint proves this deployment only if it did not speak for the one before: nothing was served under
    the context root when this was made, the server is started anew, or since then the endpoint failed or the log told
    of the stop (T14).
    """

    def __init__(self, updates: Updates, watch: Watch, context_root: str) -> None:
        self._updates = updates
        self._server = updates.server
        self._watch = watch
        self._context_root = context_root
        self._subject = "application %s" % watch.application
        self._is_fresh = watch.restart or (
            bool(self._server.health_path) and not serves(self._server.url, context_root)
        )
        self._log = LibertyLog(self._server.log)

    def wait(self) -> Dict[str, Any]:
        """Until the application has started and answers; returns the message or endpoint that told, and errors."""
        watch, server = self._watch, self._server
        deadline = time.monotonic() + server.start_timeout
        self._updates.follow(self._log, watch, self._is_decided, deadline, self._subject, "did not start")
        if watch.verdict.state == "failed":
            message = "%s did not start: %s" % (self._subject, watch.verdict.message)
            cure = "read %s, correct the package" % server.log
            raise AppServerError(message, self._updates.place, cure, errors=watch.errors[:20])
        self._updates.follow(
            self._log, watch, lambda: serves(server.url, self._context_root), deadline, self._subject, "does not answer"
        )
        told = watch.verdict.message or "%s answers" % server.health_path
        return {"message": told, "errors": watch.errors[:20]}

    def _is_decided(self) -> bool:
        return self._watch.verdict.state != "waiting" or self._is_ready()

    def _is_ready(self) -> bool:
        if not self._server.health_path:
            return False
        healthy = self._server.healthy()
        ready = healthy and (self._is_fresh or self._watch.stopped)
        self._is_fresh = self._is_fresh or not healthy
        return ready
