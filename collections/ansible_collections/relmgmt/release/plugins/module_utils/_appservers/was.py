# SPDX-License-Identifier: GPL-3.0-or-later
"""Traditional WebSphere, base and Network Deployment, through wsadmin on the deployment manager's host.

What is installed is told by the EAR in the master configuration, never by a note of ours alone. A change is
made in the session's workspace, saved, distributed node by node, started and verified server by server.
"""

from __future__ import annotations

import os
import time
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Set

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import (
    RUNNING,
    AppServer,
    Kept,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import (
    STOPPED as STOPPED_SERVER,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_options import Place, WasOptions
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_package import pack
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_rollout import Rollout
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_rollout_view import BASE, MANAGER
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_session import (
    RequestFailed,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_settings import WasSettings
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_view import Mapped, WasView
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import (
    WebApp,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import Setting
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    AppServerError,
    RelmgmtError,
)
from ansible_collections.relmgmt.release.plugins.module_utils._files import copy_durably, sha256_file, write_durably

_PRIOR_EAR, _PRIOR_WAR, _PRIOR_EXPORT, _PRIOR_VIEW = "prior.ear", "prior.war", "prior-export.ear", "prior-view.txt"


class Was(WasView, AppServer):
    """An application's place in one cell: a cluster, or servers."""

    def __init__(self, options: WasOptions, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__(options)
        self._sleep = sleep
        self._way: Optional[Rollout] = None

    def refresh(self) -> None:
        self.session.refresh()
        self._way = None

    # -- before a change -----------------------------------------------------------------

    def require_running(self) -> None:
        connected = self.session.connect()
        if connected.process not in (BASE, MANAGER):
            message = "wsadmin is connected to node %s, which a deployment manager manages" % connected.node
            cure = "give the deployment manager's profile: changes made here are lost with the next synchronisation"
            raise AppServerError(message, self.options.profile, cure)
        rollout = self._rollout()
        # Nodes first: where the node agent is down, servers that run cannot be seen.
        for node in rollout.nodes():
            if node["managed"] and not node["agent"]:
                message = "the node agent of node %s is down" % node["node"]
                raise AppServerError(message, self.place, "start it there (startNode.sh), then run again")
        for one in rollout.servers("-"):
            place = Place(one["node"], one["server"])
            if not one["configured"]:
                raise AppServerError("there is no server %s in the cell" % (place,), self.place, "correct servers")
            if not one["running"]:
                raise AppServerError("server %s is stopped" % (place,), self.place, "start it, then run again")

    def require_ready(self, app: WebApp) -> None:
        if app.libraries:
            message = "application %s names libraries, which are not brought to a cell" % app.name
            cure = "have the administrator map them, and take them out of the release"
            raise AppServerError(message, self.place, cure)
        self.require_running()

    def installed_war(self, app: WebApp) -> Optional[str]:
        found = self._found(app)
        return found.war if found else None

    # -- keeping -------------------------------------------------------------------------

    def keep(self, app: WebApp, directory: str) -> Kept:
        found = self._found(app)
        recipe: Dict[str, Any] = {"directory": directory, "war": None, "ear": None, "sha256": ""}
        if found is None:
            return Kept(None, "", recipe)
        export = os.path.join(self.session.directory, _PRIOR_EXPORT)
        view = self.session.request("export", application=app.name, file=export)["view"]
        recipe["export_sha256"] = copy_durably(export, os.path.join(directory, _PRIOR_EXPORT), 0o640)
        os.unlink(export)
        write_durably(os.path.join(directory, _PRIOR_VIEW), view.encode("utf-8"), 0o640)
        ear_sha256 = copy_durably(found.ear, os.path.join(directory, _PRIOR_EAR), 0o640)
        recipe.update(ear=_PRIOR_EAR, ear_sha256=ear_sha256, mapping=list(found.mapping), sha256=found.sha256)
        if found.war is None:
            return Kept(None, found.sha256, recipe)
        copy = os.path.join(directory, _PRIOR_WAR)
        recipe.update(war=_PRIOR_WAR, war_sha256=copy_durably(found.war, copy, 0o640))
        return Kept(copy, found.sha256, recipe)

    def forget_older(self, app: WebApp, keep: Set[str]) -> None:
        """The cell holds one EAR of an application, the current one."""

    # -- changing ------------------------------------------------------------------------

    def deploy(self, app: WebApp, war: str) -> Dict[str, Any]:
        found, wanted, sha256 = self._found(app), self._wanted(app), sha256_file(war)
        changed = found is None or found.sha256 != sha256 or not found.mapping.fits(wanted)
        if changed:
            ear = os.path.join(self.session.directory, "new.ear")
            pack(app, war, ear)
            self._install(app, ear, wanted)
            self._save(app, lambda: self._holds(app, sha256, wanted))
        rollout = self._rollout()
        rollout.carry_out(app.name, start=True, changed=changed)
        return {"message": "started on %s" % ", ".join(map(str, rollout.places)), "notes": rollout.notes}

    def put_back(self, app: WebApp, kept: Dict[str, Any]) -> Dict[str, Any]:
        self.session.connect()
        if kept["ear"] is None:
            return self._remove(app)
        found, prior = self._found(app), Mapped(*kept["mapping"])
        changed = found is None or found.sha256 != kept["sha256"] or not found.mapping.fits(prior)
        start = bool(kept.get("was_started", True))
        if not changed and not self._left_to_do(app, start):
            return {"server": RUNNING, "restored": False}
        seen: Dict[str, Any] = {"server": RUNNING, "restored": True}
        if changed:
            seen.update(self._reinstall(app, kept, prior))
        rollout = self._rollout()
        if rollout.go_back(app.name, start=start, changed=changed):
            seen["server"] = STOPPED_SERVER
        if not start:
            seen["note"] = "the application did not run before either"
        return dict(seen, notes=rollout.notes)

    # -- settings that a release names -----------------------------------------------------

    def check_settings(self, settings: Sequence[Setting], files: Mapping[str, str]) -> None:
        self._settings().check(settings)

    def keep_settings(self, settings: Sequence[Setting], directory: str) -> Dict[str, str]:
        return self._settings().keep(settings, directory)

    def apply_settings(self, settings: Sequence[Setting], files: Mapping[str, str]) -> Dict[str, Any]:
        return self._settings().apply(settings, files)

    def _settings(self) -> WasSettings:
        return WasSettings(self.session, self._rollout())

    # -- the parts ---------------------------------------------------------------------------

    def _install(self, app: WebApp, ear: str, mapping: Mapped, replace_bindings: bool = False) -> None:
        try:
            self.session.request(
                "install", application=app.name, file=ear, context_root=mapping.context_root, targets=mapping.targets,
                virtual_host=mapping.virtual_host or self.options.virtual_host, replace_bindings=int(replace_bindings),
            )
        except RequestFailed as error:
            self._rollout().drop()
            message = "application %s was not installed, nothing was saved: %s" % (app.name, error.message)
            raise AppServerError(message, self.place, "correct the package or relmgmt_websphere.was") from error

    def _save(self, app: WebApp, arrived: Callable[[], bool]) -> None:
        """Save. On a base server the application is stopped meanwhile: a save would restart it at some time."""
        rollout = self._rollout()
        base = self.session.connect().process == BASE
        stopped = [Place(one["node"], one["server"]) for one in rollout.servers(app.name) if one["started"] and base]
        rollout.stop_on(app.name, stopped)
        try:
            rollout.save(arrived)
        except RelmgmtError:
            rollout.start_on(app.name, stopped)
            raise

    def _remove(self, app: WebApp) -> Dict[str, Any]:
        removed = self.session.request("uninstall", application=app.name)["action"] != "nothing"
        rollout = self._rollout()
        if removed:
            rollout.save(lambda: self._found(app) is None)
        if removed or not rollout.in_sync():
            rollout.distribute()
        return {"server": RUNNING, "restored": removed}

    def _left_to_do(self, app: WebApp, start: bool) -> bool:
        rollout = self._rollout()
        return not rollout.in_sync() or (start and not all(one["started"] for one in rollout.servers(app.name)))

    def _reinstall(self, app: WebApp, kept: Dict[str, Any], prior: Mapped) -> Dict[str, Any]:
        """The prior original; where bindings came out otherwise than they were, the export that holds them."""
        original, view, note = self._kept_ear(app, kept), self._kept_view(kept), ""
        self._install(app, original, prior)
        if view is None:
            note = "whether its settings are as before is not known: %s cannot be read"
            note %= self._kept_path(kept, _PRIOR_VIEW)
        elif self._view(app) != view:
            note = self._install_export(app, kept, prior, original)
        self._save(app, lambda: self._holds(app, kept["sha256"], prior))
        if view is not None and self._view(app) != view:
            differs = "its settings differ from before: compare with %s" % self._kept_path(kept, _PRIOR_VIEW)
            note = "; ".join(filter(None, (note, differs)))
        elif not note:
            return {}
        return {"note": note}

    def _install_export(self, app: WebApp, kept: Dict[str, Any], prior: Mapped, original: str) -> str:
        """The export of the prior application; the original again where that is not to be had. Returns a note."""
        export = self._kept_path(kept, _PRIOR_EXPORT)
        if not _is_sound(export, kept.get("export_sha256", "")):
            return "%s is missing or damaged" % export
        try:
            self._install(app, export, prior, replace_bindings=True)
        except AppServerError as error:  # the workspace is as it was before everything
            self._install(app, original, prior)
            return "%s was refused: %s" % (export, error.message)
        return "put back from the export of the prior application, with its bindings"

    def _kept_ear(self, app: WebApp, kept: Dict[str, Any]) -> str:
        """The prior EAR, or one packed from a sound copy of the prior WAR (A15)."""
        own = self._kept_path(kept, _PRIOR_EAR)
        if _is_sound(own, kept["ear_sha256"]):
            return own
        copies = [self._kept_path(kept, kept["war"]), kept.get("shared") or own] if kept["war"] else []
        for war in copies:
            if _is_sound(war, kept["war_sha256"]):
                ear = os.path.join(self.session.directory, _PRIOR_EAR)
                pack(WebApp(app.name, Mapped(*kept["mapping"]).context_root), war, ear)
                return ear
        raise AppServerError(
            "no sound copy of the prior application (sha256 %s)" % kept["sha256"], " and ".join([own, *copies]),
            "put it under one of these names and run the rollback again",
        )

    def _kept_path(self, kept: Dict[str, Any], name: str) -> str:
        return os.path.join(kept["directory"], name)

    def _kept_view(self, kept: Dict[str, Any]) -> Optional[str]:
        try:
            with open(self._kept_path(kept, _PRIOR_VIEW), encoding="utf-8") as stream:
                return stream.read()
        except (OSError, ValueError):
            return None

    def _view(self, app: WebApp) -> str:
        return str(self.session.request("view", application=app.name)["view"])

    # -- the master configuration --------------------------------------------------------------

    def _holds(self, app: WebApp, sha256: str, mapping: Mapped) -> bool:
        found = self._found(app)
        return found is not None and found.sha256 == sha256 and found.mapping.fits(mapping)

    def _rollout(self) -> Rollout:
        """The one of this session: what it notes on the way is told at the end."""
        if self._way is None:
            self._way = Rollout(self.session, self._places(), self._sleep)
        return self._way


def _is_sound(path: str, sha256: str) -> bool:
    return os.path.isfile(path) and sha256_file(path) == sha256
