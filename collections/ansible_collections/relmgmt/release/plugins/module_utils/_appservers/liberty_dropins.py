# SPDX-License-Identifier: GPL-3.0-or-later
"""An application in Liberty's dropins/: the name of the file is its name and, unless the WAR says otherwise, its path.

The administrator chose that place, so a release stays there. A WAR is replaced by taking it out, seeing it gone and
renaming the next one in: a start message after that is the next one's.
"""

from __future__ import annotations

import os
import time
from typing import Any, Dict, Optional

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_log import LibertyLog
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_rest import Changed
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import LibertyServer, serves
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_start import Start
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_update import Updates, resolve
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_config import DISABLED
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_messages import Watch
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import WebApp
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError
from ansible_collections.relmgmt.release.plugins.module_utils._files import copy_durably, fsync_dir

QUIET_SECONDS = 3  # after which an application that answered nothing has nothing to stop
_OTHER_FORMS = ("%s.ear", "%s.eba", "%s.war.xml", "war/%s", "war/%s.war", "ear/%s", "ear/%s.ear")
_MOVE = "set relmgmt_websphere.liberty.placement: apps, then the release takes it over below apps/"


class DropIns:
    """The monitored directory of one server."""

    def __init__(self, server: LibertyServer, updates: Updates) -> None:
        self.server = server
        self._updates = updates

    def find(self, app: WebApp) -> Optional[str]:
        """The WAR of the application there, None when there is none; raises for a form that is not a plain file."""
        monitoring = self._updates.monitoring()
        if not monitoring.dropins_enabled:
            return None
        folder = self._folder()
        for form in _OTHER_FORMS:
            path = os.path.join(folder, form % app.name)
            if os.path.lexists(path):
                raise AppServerError("application %s is in dropins in another form" % app.name, path, "remove it there")
        path = self.path(app)
        if os.path.lexists(path) and not os.path.isfile(path):
            raise AppServerError("application %s is in dropins, but is no file" % app.name, path, "remove it there")
        return path if os.path.isfile(path) else None

    def context_root(self, app: WebApp) -> str:
        """What an application there is reached under."""
        return "/" + app.name

    def require(self, app: WebApp) -> None:
        """Refuse, before anything is touched, what an application in dropins cannot be."""
        monitoring = self._updates.monitoring()
        if not monitoring.dropins_enabled:
            message = "the server takes no applications from dropins (dropinsEnabled is false)"
            raise AppServerError(message, self._folder(), _MOVE)
        if app.context_root != self.context_root(app):
            message = "an application in dropins cannot be given the context root %s" % app.context_root
            raise AppServerError(message, self.path(app), _MOVE)
        if app.libraries:
            raise AppServerError("an application in dropins has no shared libraries", self.path(app), _MOVE)

    def place(self, app: WebApp) -> Dict[str, Any]:
        """Make the file that was brought the application and wait until it runs."""
        trigger = self._updates.monitoring().applications
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
        trigger = self._updates.monitoring().applications
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

    def _folder(self) -> str:
        return resolve(self.server, self._updates.monitoring().dropins, self.server.config_dir)

    def path(self, app: WebApp) -> str:
        """Where its WAR lies, or would."""
        return os.path.join(self._folder(), app.name + ".war")
