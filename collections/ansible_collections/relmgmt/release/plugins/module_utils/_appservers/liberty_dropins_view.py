# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an application lies in Liberty's dropins/, and where."""

from __future__ import annotations

import os
from typing import Optional

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_configuration import (
    monitoring,
    resolve,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import LibertyServer
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import WebApp
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError

_OTHER_FORMS = ("%s.ear", "%s.eba", "%s.war.xml", "war/%s", "war/%s.war", "ear/%s", "ear/%s.ear")


class DropInsView:
    """The monitored directory of one server, looked at."""

    def __init__(self, server: LibertyServer) -> None:
        self.server = server

    def find(self, app: WebApp) -> Optional[str]:
        """The WAR of the application there, None when there is none; raises for a form that is not a plain file."""
        if not monitoring(self.server).dropins_enabled:
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

    def path(self, app: WebApp) -> str:
        """Where its WAR lies, or would."""
        return os.path.join(self._folder(), app.name + ".war")

    def _folder(self) -> str:
        return resolve(self.server, monitoring(self.server).dropins, self.server.config_dir)
