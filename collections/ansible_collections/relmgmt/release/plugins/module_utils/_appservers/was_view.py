# SPDX-License-Identifier: GPL-3.0-or-later
"""Traditional WebSphere that is only looked at, through wsadmin on the deployment manager's host.

What is installed is told by the EAR in the master configuration, never by a note of ours alone.
"""

from __future__ import annotations

import os
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import RUNNING, UNKNOWN, AppServerView
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_options import Place, WasOptions
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_package import unpack
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_rollout_view import (
    BASE,
    MANAGER,
    RolloutView,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_session import WasSession
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_settings_view import WasSettingsView
from ansible_collections.relmgmt.release.plugins.module_utils._core.was_ear import (
    cluster_target,
    documents,
    module_targets,
    read_context_root,
    read_virtual_host,
    server_target,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import (
    ABSENT,
    STARTED,
    STOPPED,
    Deployed,
    WebApp,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import Observed, Setting
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    AppServerError,
    HostStateUnknown,
    InvalidInput,
    RelmgmtError,
)

_LOOK = "see what the cell holds under this name"


class Mapped(NamedTuple):
    """Where an application is mapped to: targets sorted and joined with ``+``, virtual host empty if not seen."""

    context_root: str
    targets: str
    virtual_host: str

    def fits(self, wanted: "Mapped") -> bool:
        """Whether it is what is wanted, as far as it can be seen."""
        return self == wanted._replace(virtual_host=self.virtual_host and wanted.virtual_host)


class Found(NamedTuple):
    """What the master configuration holds of an application; ``ear`` and ``war`` are copies, war None if not one."""

    ear: str
    war: Optional[str]
    sha256: str
    mapping: Mapped


class WasView(AppServerView):
    """An application's place in one cell, looked at: a cluster, or servers."""

    def __init__(self, options: WasOptions) -> None:
        self.options = options
        self.place = options.place
        self.session = WasSession(options)
        self._way: Optional[RolloutView] = None

    def close(self) -> None:
        self.session.close()

    def state(self) -> str:
        try:
            return RUNNING if self.session.connect().process in (BASE, MANAGER) else UNKNOWN
        except RelmgmtError:
            return UNKNOWN

    def observe(self, app: WebApp) -> Deployed:
        found = self._found(app)
        if found is None:
            return Deployed("", "", False, ABSENT)
        rollout = self._rollout()
        started = all(one["started"] for one in rollout.servers(app.name))
        configured = found.mapping.fits(self._wanted(app)) and rollout.in_sync()
        state = STARTED if started else STOPPED
        return Deployed(found.sha256, found.mapping.context_root, configured, state)

    def observe_settings(self, settings: Sequence[Setting]) -> Observed:
        return self._settings().observe(settings)

    def _settings(self) -> WasSettingsView:
        return WasSettingsView(self.session, self._rollout())

    def _found(self, app: WebApp) -> Optional[Found]:
        seen = self.session.request("application", application=app.name)
        if seen["orphans"]:
            message = "application %s is half removed, its composition units are left: %s"
            cure = "have an administrator remove them (deleteCompUnit, deleteBLA, save): it is not done automatically"
            raise AppServerError(message % (app.name, ", ".join(seen["orphans"])), self.place, cure)
        if not seen["installed"]:
            return None
        copies = self._extracted(app)
        if "ear" not in copies:
            message = "the cell holds no binary of application %s" % app.name
            raise HostStateUnknown(message, self.place, "install it without zeroBinaryCopy, %s" % _LOOK)
        delivered = unpack(copies["ear"], self.session.directory)
        targets = "+".join(module_targets(seen["targets"]))
        mapping = Mapped(_read(copies, "descriptor", read_context_root), targets, _virtual_host(copies))
        return Found(copies["ear"], delivered.war, delivered.sha256, mapping)

    def _extracted(self, app: WebApp) -> Dict[str, str]:
        """Copies of the application's documents by what they tell; those that are there."""
        uris = documents(self.session.connect().cell, app.name)
        files = {name: os.path.join(self.session.directory, "installed-%s" % name) for name in uris}
        wanted = [{"uri": uris[name], "file": files[name]} for name in uris]
        found = self.session.request("extract", documents=wanted)["found"]
        return {name: files[name] for name, there in zip(uris, found) if there}

    def _wanted(self, app: WebApp) -> Mapped:
        cell, options = self.session.connect().cell, self.options
        own = [cluster_target(cell, options.cluster)] if options.cluster else [
            server_target(cell, *place) for place in options.servers
        ]
        targets = sorted([*own, *(server_target(cell, *place) for place in options.web_servers)])
        return Mapped(app.context_root, "+".join(targets), options.virtual_host)

    def _places(self) -> List[Place]:
        """The servers of the application: a cluster's members are asked of the cell."""
        return self._members() if self.options.cluster else list(self.options.servers)

    def _members(self) -> List[Place]:
        seen = self.session.request("members", cluster=self.options.cluster)
        if not seen["exists"] or not seen["servers"]:
            what = "has no members" if seen["exists"] else "is not in the cell"
            raise InvalidInput("cluster %s %s" % (self.options.cluster, what), self.place, "correct cluster")
        return [Place(one["node"], one["server"]) for one in seen["servers"]]

    def _rollout(self) -> RolloutView:
        if self._way is None:
            self._way = RolloutView(self.session, self._places())
        return self._way


def _read(copies: Dict[str, str], name: str, reader: Callable[[bytes, str], str]) -> str:
    if name not in copies:
        return ""
    with open(copies[name], "rb") as stream:
        return reader(stream.read(), copies[name])


def _virtual_host(copies: Dict[str, str]) -> str:
    found = [_read(copies, name, read_virtual_host) for name in ("bindings_xml", "bindings_xmi")]
    return next((host for host in found if host), "")
