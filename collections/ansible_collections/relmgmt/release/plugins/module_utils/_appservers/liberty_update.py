# SPDX-License-Identifier: GPL-3.0-or-later
"""How one Liberty server learns of changed files (polled, mbean, or by being started anew), and what it says then."""

from __future__ import annotations

import os
import time
from typing import Callable, Union

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_log import LibertyLog
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_rest import Changed, notify
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import Admin, LibertyServer
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import STOPPED
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_config import DISABLED, MBEAN
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_messages import ConfigWatch, Watch
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError

_POLL_SECONDS = 0.2
_ALIVE_EVERY = 10  # polls
_MAY_RESTART = "set relmgmt_websphere.liberty.may_restart: true, or have the administrator make the change"


class Updates:
    """One server, its triggers and its log."""

    def __init__(self, server: LibertyServer, sleep: Callable[[float], None] = time.sleep) -> None:
        self.server = server
        self.place = "server %s" % server.name
        self._sleep = sleep

    def require(self, trigger: str) -> None:
        """Refuse, before anything is touched, where the server cannot be told of a change."""
        if trigger == DISABLED:
            self.require_restart("the server takes no changes while it runs (updateTrigger is disabled)")
        if trigger == MBEAN:
            self._admin()

    def _admin(self) -> Admin:
        if self.server.admin is None:
            cure = "give relmgmt_websphere.liberty.admin: url, user and password_file"
            raise AppServerError("the server wants to be told of changes (updateTrigger is mbean)", self.place, cure)
        return self.server.admin

    def require_restart(self, why: str) -> None:
        """Refuse a restart that the inventory does not allow; `why` one is needed."""
        if not self.server.may_restart:
            raise AppServerError("%s, and it may not be restarted" % why, self.place, _MAY_RESTART)

    def announce(self, trigger: str, changed: Changed) -> None:
        """Let the server learn of files that have just changed."""
        if trigger == DISABLED:
            self.server.restart()
        elif trigger == MBEAN:
            notify(self._admin(), changed)

    def follow(
        self, log: LibertyLog, watch: Union[Watch, ConfigWatch], done: Callable[[], bool], deadline: float,
        subject: str, failure: str,
    ) -> None:
        """Read the log until `done`; ends at once when the server is gone (T13).

        `subject` ("application x") and `failure` ("did not start") are how the end of the wait is told.
        """
        polls = 0
        while True:
            watch.read(log.new_lines())
            if done():
                return
            polls += 1
            if polls % _ALIVE_EVERY == 0 and self.server.state() == STOPPED:
                raise self._failure(watch, "the server stopped while %s was changed" % subject)
            if time.monotonic() >= deadline:
                raise self._failure(watch, "%s %s within %d s" % (subject, failure, self.server.start_timeout))
            self._sleep(_POLL_SECONDS)

    def _failure(self, watch: Union[Watch, ConfigWatch], text: str) -> AppServerError:
        cure = "read %s (are updates taken up as relmgmt_websphere.liberty.update_trigger says?)" % self.server.log
        return AppServerError(text, self.place, cure, errors=watch.errors[:20])


def changed_file(path: str, existed: bool) -> Changed:
    """What has become of one file, `existed` before or not."""
    if not os.path.exists(path):
        return Changed(deleted=[path])
    return Changed(modified=[path]) if existed else Changed(created=[path])
