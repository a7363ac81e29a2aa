# SPDX-License-Identifier: GPL-3.0-or-later
"""A Liberty server that is only looked at: what runs there, told by its files and by what answers.

A managed host compiles what a module imports: nothing that changes a server is imported here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_configuration import configuration
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_dropins_view import DropInsView
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_pending import Pending
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import LibertyServer, serves
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_settings_view import (
    LibertySettingsView,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import AppServerView
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_config import (
    Placement,
    defines_elsewhere,
    override_name,
    read_override,
    render_override,
    war_name,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import (
    ABSENT,
    STARTED,
    STOPPED,
    UNKNOWN,
    Deployed,
    WebApp,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError
from ansible_collections.relmgmt.release.plugins.module_utils._files import read_if_there, sha256_file

if TYPE_CHECKING:
    from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import Observed, Setting

APPS, DROPINS = "apps", "dropins"


class LibertyView(AppServerView):
    """One Liberty server on this host, looked at."""

    def __init__(self, server: LibertyServer) -> None:
        self.server = server
        self.place = "server %s" % server.name
        self._apps = os.path.join(server.config_dir, APPS)
        self._pending = Pending(server.config_dir)
        self._dropins = DropInsView(server)

    def state(self) -> str:
        return self.server.state()

    def observe(self, app: WebApp) -> Deployed:
        self._require_sole_definition(app)
        seen = self._observe(app)
        # What answers may still be the application from before a change that was cut off.
        return seen._replace(state=UNKNOWN) if seen.state == STARTED and self._cut_off(app) else seen

    def _observe(self, app: WebApp) -> Deployed:
        placement, dropin = self._placement(app), self._dropins.find(app)
        if placement is None:
            return self._observe_dropin(app, dropin)
        war = self._war_path(placement)
        sha256 = sha256_file(war) if os.path.isfile(war) else ""
        wanted = b""
        if sha256:
            wanted = render_override(app.name, app.context_root, war_name(app.name, sha256), app.libraries)
        is_sole = dropin is None and not self._goes_to_dropins(app)
        configured = is_sole and read_if_there(self._override(app)) == wanted
        return Deployed(sha256, placement.context_root, configured, self._app_state(placement.context_root))

    def _observe_dropin(self, app: WebApp, dropin: Optional[str]) -> Deployed:
        if dropin is None:
            return Deployed("", "", False, ABSENT)
        root = self._dropins.context_root(app)
        configured = self._goes_to_dropins(app) and root == app.context_root
        return Deployed(sha256_file(dropin), root, configured, self._app_state(root))

    def _app_state(self, context_root: str) -> str:
        return STARTED if serves(self.server.url, context_root) else STOPPED

    def observe_settings(self, settings: Sequence[Setting]) -> Observed:
        # Imported here, for most hosts have none.

        return LibertySettingsView(self.server).observe(settings)

    def _override(self, app: WebApp) -> str:
        return os.path.join(self.server.overrides, override_name(app.name))

    def _placement(self, app: WebApp) -> Optional[Placement]:
        data = read_if_there(self._override(app))
        return None if data is None else read_override(data, self._override(app))

    def _war_path(self, placement: Placement) -> str:
        return os.path.join(self._apps, placement.location)

    def _cut_off(self, app: WebApp) -> bool:
        """Has a change begun of which nobody saw the end?"""
        return bool(self._pending.of(app.name))

    def _goes_to_dropins(self, app: WebApp) -> bool:
        """As the inventory says; else where the application is, and a new one goes below apps/."""
        if self.server.placement != "auto":
            return self.server.placement == "dropins"
        is_there = self._dropins.find(app) is not None or DROPINS in self._pending.of(app.name)
        return self._placement(app) is None and is_there

    def _require_sole_definition(self, app: WebApp) -> None:
        for path, data in configuration(self.server):
            element = None if path == self._override(app) else defines_elsewhere(data, app.name, path)
            if element:
                message = "application %s is already defined by %s" % (app.name, element)
                raise AppServerError(message, path, "remove that element: the release manages the application")
