# SPDX-License-Identifier: GPL-3.0-or-later
"""An application in Liberty's dropins/: the name of the file is its name and, unless the WAR says otherwise, its path.

The administrator chose that place, so a release stays there. A WAR is replaced by taking it out, seeing it gone and
renaming the next one in: a start message after that is the next one's.
"""

from __future__ import annotations

import os
import time
from typing import Any, Dict

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_configuration import monitoring
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_dropins_view import DropInsView
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_log import LibertyLog
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_rest import Changed
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import LibertyServer, serves
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_start import Start
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_update import Updates
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_config import DISABLED
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_messages import Watch
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import WebApp
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError
from ansible_collections.relmgmt.release.plugins.module_utils._files import copy_durably, fsync_dir

QUIET_SECONDS = 3  # after which an application that answered nothing has nothing to stop
_MOVE = "set relmgmt_websphere.liberty.placement: apps, then the release takes it over below apps/"


class DropIns(DropInsView):
    """The monitored directory of one server."""

    def __init__(self, server: LibertyServer, updates: Updates) -> None:
        super().__init__(server)
        self._updates = updates

    def require(self, app: WebApp) -> None:
        """Refuse, before anything is touched, what an application in dropins cannot be."""
        if not monitoring(self.server).dropins_enabled:
            message = "the server takes no applications from dropins (dropinsEnabled is false)"
            raise AppServerError(message, self._folder(), _MOVE)
        if app.context_root != self.context_root(app):
            message = "an application in dropins cannot be given the context root %s" % app.context_root
            raise AppServerError(message, self.path(app), _MOVE)
        if app.libraries:
            raise AppServerError("an application in dropins has no shared libraries", self.path(app), _MOVE)

    def place(self, app: WebApp) -> Dict[str, Any]:
        """Make the file that was brought the application and wait until it runs."""
        trigger = monitoring(self.server).applications
        if trigger != DISABLED:
            self.take_out(app)
        watch = Watch(app.name, restart=trigger == DISABLED, armed=trigger != DISABLED)
        start = Start(self._updates, watch, self.context_root(app))
        self.lay(app)
        self._updates.announce(trigger, Changed(created=[self.path(app)]))
        return start.wait()

    def bring(self, app: WebApp, war: str) -> None:
        """Copy the file beside the directory, outside of what the server watches; nothing is out of service for it."""
        copy_durably(war, self._aside(app), 0o644)

    def lay(self, app: WebApp) -> None:
        """Put the file that was brought there, at once and whole."""
        folder = self._folder()
        os.makedirs(folder, exist_ok=True)
        os.rename(self._aside(app), self.path(app))
        fsync_dir(folder)

    def remove(self, app: WebApp) -> bool:
        """Remove the file; returns whether there was one."""
        path = self.find(app)
        if path is None:
            return False
        os.unlink(path)
        fsync_dir(self._folder())
        return True

    def take_out(self, app: WebApp) -> bool:
        """Remove the file and wait until the server has stopped the application; returns whether there was one."""
        trigger = monitoring(self.server).applications
        watch = Watch(app.name, restart=trigger == DISABLED, armed=trigger != DISABLED)
        log = LibertyLog(self.server.log)
        if not self.remove(app):
            return False
        self._updates.announce(trigger, Changed(deleted=[self.path(app)]))
        begun = time.monotonic()

        def gone() -> bool:
            quiet = time.monotonic() - begun >= QUIET_SECONDS
            return watch.stopped or (quiet and not serves(self.server.url, self.context_root(app)))

        deadline = begun + self.server.start_timeout
        subject = "application %s" % app.name
        self._updates.follow(log, watch, gone, deadline, subject, "was not taken out of service")
        return True

    def _aside(self, app: WebApp) -> str:
        return os.path.join(os.path.dirname(self._folder()), ".relmgmt-%s.war" % app.name)
