# SPDX-License-Identifier: GPL-3.0-or-later
"""Liberty and Open Liberty: WARs below apps/, one override file an application, the log as witness.

The cutover is the rename of the override file: it names the WAR by a path that holds its digest. Replacing
the WAR alone is not seen by a server that expands archives (autoExpand), nor after a start that failed.
An application that lies in dropins/ is in liberty_dropins.
"""

from __future__ import annotations

import os
import time
from typing import Any, Callable, Dict, FrozenSet, List, Mapping, Optional, Sequence, Set

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_configuration import (
    configuration,
    monitoring,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_dropins import QUIET_SECONDS, DropIns
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_log import LibertyLog
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_pending import require_known
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_rest import Changed
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import (
    LibertyServer,
    serves,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_settings import LibertySettings
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_start import Start
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_update import Updates, changed_file
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_view import APPS, DROPINS, LibertyView
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import (
    RUNNING,
    STOPPED,
    UNKNOWN,
    AppServer,
    Kept,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_config import (
    DISABLED,
    defines_library,
    read_override,
    render_override,
    war_name,
    war_names,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_messages import Watch
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import (
    WebApp,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import Setting
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError, HostStateUnknown
from ansible_collections.relmgmt.release.plugins.module_utils._files import (
    copy_durably,
    fsync_dir,
    make_dirs,
    read_if_there,
    remove_tree,
    sha256_file,
    write_durably,
)

_PRIOR_WAR, _PRIOR_OVERRIDE = "prior.war", "prior-override.xml"


class Liberty(LibertyView, AppServer):
    """One Liberty server on this host."""

    def __init__(self, server: LibertyServer, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__(server)
        self._updates = Updates(server, sleep)
        self._dropins: DropIns = DropIns(server, self._updates)
        self._settings = LibertySettings(server, self._updates)

    # -- before a change -----------------------------------------------------------------

    def require_running(self) -> None:
        state = self.state()
        cure = "start it: %s start %s" % (self.server.command, self.server.name)
        if state == UNKNOWN:
            raise HostStateUnknown("the state of the server cannot be observed", self.place, cure)
        if state != RUNNING:
            raise AppServerError("the server is %s" % state, self.place, cure)

    def require_ready(self, app: WebApp) -> None:
        self.require_running()
        if not os.path.exists(self.server.log) and not self.server.health_path:
            cure = "give relmgmt_websphere.liberty.log, or health_path"
            raise AppServerError("nothing would tell that the application has started", self.server.log, cure)
        if self._placement(app) is not None and self._dropins.find(app) is not None:
            message = "application %s is in dropins and below apps, and both fight for its name" % app.name
            raise AppServerError(message, self._dropins.path(app), "remove one of them by hand")
        goes_to = DROPINS if self._goes_to_dropins(app) else APPS
        if goes_to == DROPINS:
            self._dropins.require(app)
        for place in sorted(self._places(app, goes_to)):
            self._updates.require(self._trigger(place))

    def installed_war(self, app: WebApp) -> Optional[str]:
        placement = self._placement(app)
        war = self._war_path(placement) if placement else self._dropins.find(app) or ""
        return war if os.path.isfile(war) else None

    # -- keeping -------------------------------------------------------------------------

    def keep(self, app: WebApp, directory: str) -> Kept:
        override = read_if_there(self._override(app))
        war = self.installed_war(app)
        recipe: Dict[str, Any] = {"directory": directory, "war": None, "override": None, "sha256": "", "dropin": None}
        if override is not None:
            write_durably(os.path.join(directory, _PRIOR_OVERRIDE), override)
            recipe["override"] = _PRIOR_OVERRIDE
        if war is None:
            return Kept(None, "", recipe)
        copy = os.path.join(directory, _PRIOR_WAR)
        recipe.update(war=_PRIOR_WAR, sha256=copy_durably(war, copy), location=war)
        if override is None:
            recipe["dropin"] = war
        return Kept(copy, recipe["sha256"], recipe)

    def forget_older(self, app: WebApp, keep: Set[str]) -> None:
        pattern = war_names(app.name)
        kept = {war_name(app.name, sha256) for sha256 in keep}
        for name in os.listdir(self._apps) if os.path.isdir(self._apps) else []:
            if pattern.match(name) and name not in kept:
                os.unlink(os.path.join(self._apps, name))
                remove_tree(os.path.join(self._apps, "expanded", name))

    # -- changing ------------------------------------------------------------------------

    def deploy(self, app: WebApp, war: str) -> Dict[str, Any]:
        self._require_libraries(app)
        goes_to = DROPINS if self._goes_to_dropins(app) else APPS
        was_cut_off, places = self._cut_off(app), self._places(app, goes_to)
        with self._pending.until_in_force(app.name, places):
            cut_off = places if was_cut_off else frozenset()
            way = self._deploy_to_dropins if goes_to == DROPINS else self._deploy_to_apps
            return way(app, war, cut_off)

    def _deploy_to_dropins(self, app: WebApp, war: str, cut_off: FrozenSet[str]) -> Dict[str, Any]:
        self._dropins.bring(app, war)
        self._clear(app, cut_off)
        self._withdraw(app)
        return self._dropins.place(app)

    def _deploy_to_apps(self, app: WebApp, war: str, cut_off: FrozenSet[str]) -> Dict[str, Any]:
        sha256 = sha256_file(war)
        location = war_name(app.name, sha256)
        target = os.path.join(self._apps, location)
        override = render_override(app.name, app.context_root, location, app.libraries)
        if not os.path.exists(target):  # before anything is out of service: the disk may be full
            self._bring(war, target)
        self._clear(app, cut_off)
        self._dropins.take_out(app)
        if self._must_be_seen_gone(app, override):
            self._withdraw(app)
        if sha256_file(target) != sha256:  # not under the feet of what runs
            self._bring(war, target)
        return self._cut_over(app, override)

    def _bring(self, war: str, target: str) -> None:
        make_dirs(self._apps)
        copy_durably(war, target, 0o644)

    def _must_be_seen_gone(self, app: WebApp, override: bytes) -> bool:
        """The same configuration again would change nothing and start nothing; and without a log a page proves
        this deployment only if none was there before it."""
        if monitoring(self.server).configuration == DISABLED:
            return False
        return override == read_if_there(self._override(app)) or not os.path.exists(self.server.log)

    def put_back(self, app: WebApp, kept: Dict[str, Any]) -> Dict[str, Any]:
        goes_to, way = (DROPINS, self._put_back_dropin) if kept.get("dropin") else (APPS, self._put_back)
        was_cut_off, places = self._cut_off(app), self._places(app, goes_to)
        with self._pending.until_in_force(app.name, places):
            seen = way(app, kept, places if was_cut_off else frozenset())
        self.forget_older(app, {kept["sha256"]})  # what the change brought is no longer referred to
        return seen

    def _put_back(self, app: WebApp, kept: Dict[str, Any], cut_off: FrozenSet[str]) -> Dict[str, Any]:
        override = self._kept_override(kept)
        wrong_war = self._restore_war(kept)
        current = read_if_there(self._override(app))
        state = self.state()
        if state != RUNNING:
            self._dropins.remove(app)
            self._write_override(app, override)
            require_known(state, self.place)
            return {"server": STOPPED, "restored": True, "cure": "start %s, then look again" % self.place}
        self._clear(app, cut_off)
        moved = self._dropins.take_out(app)
        if override is None:
            withdrawn = self._withdraw(app)
            return {"server": RUNNING, "restored": bool(cut_off) or withdrawn or moved}
        started = serves(self.server.url, read_override(override, self.place).context_root)
        if not cut_off and current == override and not wrong_war and (started or not kept.get("was_started", True)):
            return {"server": RUNNING, "restored": moved}
        if self._must_be_seen_gone(app, override):
            self._withdraw(app)
        if not kept.get("was_started", True):
            existed = self._write_override(app, override)
            self._updates.announce(self._trigger(APPS), changed_file(self._override(app), existed))
            return {"server": RUNNING, "restored": True, "note": "the application did not run before either"}
        return dict(self._cut_over(app, override), server=RUNNING, restored=True)

    def _put_back_dropin(self, app: WebApp, kept: Dict[str, Any], cut_off: FrozenSet[str]) -> Dict[str, Any]:
        war = self._kept_war(kept)
        state = self.state()
        if state != RUNNING:
            self._write_override(app, None)
            self._dropins.bring(app, war)
            self._dropins.lay(app)
            require_known(state, self.place)
            return {"server": STOPPED, "restored": True, "cure": "start %s, then look again" % self.place}
        found = self._dropins.find(app)
        sound = not cut_off and found is not None and sha256_file(found) == kept["sha256"]
        if not sound:
            self._dropins.bring(app, war)
        self._clear(app, cut_off)
        moved = self._withdraw(app)
        started = serves(self.server.url, self._dropins.context_root(app))
        was_started = kept.get("was_started", True)
        if sound and (started or not was_started):
            return {"server": RUNNING, "restored": moved}
        if sound:
            self._dropins.bring(app, war)
        if not was_started:
            self._dropins.lay(app)
            self._updates.announce(self._trigger(DROPINS), Changed(created=[self._dropins.path(app)]))
            return {"server": RUNNING, "restored": True, "note": "the application did not run before either"}
        return dict(self._dropins.place(app), server=RUNNING, restored=True)

    def _cut_over(self, app: WebApp, override: bytes) -> Dict[str, Any]:
        trigger = monitoring(self.server).configuration
        context_root = read_override(override, self.place).context_root
        start = Start(self._updates, Watch(app.name, restart=trigger == DISABLED), context_root)
        existed = self._write_override(app, override)
        self._updates.announce(trigger, changed_file(self._override(app), existed))
        return start.wait()

    def _withdraw(self, app: WebApp) -> bool:
        """Take the application out of the configuration and wait until the server has done so; False: it was not in."""
        placement = self._placement(app)
        if placement is None:
            return False
        trigger = monitoring(self.server).configuration
        log, watch = LibertyLog(self.server.log), Watch(app.name, restart=trigger == DISABLED)
        self._write_override(app, None)
        self._updates.announce(trigger, changed_file(self._override(app), True))
        deadline = time.monotonic() + self.server.start_timeout

        def gone() -> bool:
            heard = watch.config_done or not os.path.exists(self.server.log)
            return watch.stopped or (heard and not serves(self.server.url, placement.context_root))

        self._updates.follow(log, watch, gone, deadline, "application %s" % app.name, "was not taken out of service")
        return True

    def _clear(self, app: WebApp, cut_off: FrozenSet[str]) -> None:
        """After a change that was cut off in these places: take the application out of them, there or not, and see
        it gone. What the files say proves nothing of it, and the same files again might start nothing."""
        triggers = {place: self._trigger(place) for place in cut_off}
        if all(trigger == DISABLED for trigger in triggers.values()):
            return  # the start anew that follows brings in whatever the files say then
        files = {APPS: self._override(app), DROPINS: self._dropins.path(app)}
        roots = {APPS: self._roots(app), DROPINS: {self._dropins.context_root(app)}}
        of_files = DROPINS in cut_off  # of which the server tells less than of its configuration
        log, watch = LibertyLog(self.server.log), Watch(app.name, armed=of_files)
        self._write_override(app, None)
        self._dropins.remove(app)
        for place, trigger in sorted(triggers.items()):
            self._updates.announce(trigger, Changed(deleted=[files[place]]))
        begun = time.monotonic()

        def gone() -> bool:
            is_quiet = time.monotonic() - begun >= QUIET_SECONDS
            heard = watch.stopped or is_quiet or (watch.config_done and not of_files)
            return heard and not any(serves(self.server.url, root) for place in cut_off for root in roots[place])

        deadline = begun + self.server.start_timeout
        self._updates.follow(log, watch, gone, deadline, "application %s" % app.name, "was not taken out of service")

    # -- configuration of a release ----------------------------------------------------------

    def check_settings(self, settings: Sequence[Setting], files: Mapping[str, str]) -> None:
        self._settings.check(settings, files)

    def keep_settings(self, settings: Sequence[Setting], directory: str) -> Dict[str, str]:
        return self._settings.keep(settings, directory)

    def apply_settings(self, settings: Sequence[Setting], files: Mapping[str, str]) -> Dict[str, Any]:
        return self._settings.apply(settings, files)

    # -- files ---------------------------------------------------------------------------

    def _roots(self, app: WebApp) -> Set[str]:
        placement = self._placement(app)
        return {app.context_root, placement.context_root if placement else app.context_root}

    def _places(self, app: WebApp, goes_to: str) -> FrozenSet[str]:
        """Where a change touches something: where it leads, where the application is, and where one was cut off."""
        places = {goes_to} | self._pending.of(app.name)
        if self._placement(app) is not None:
            places.add(APPS)
        if self._dropins.find(app) is not None:
            places.add(DROPINS)
        return frozenset(places)

    def _trigger(self, place: str) -> str:
        triggers = monitoring(self.server)
        return triggers.configuration if place == APPS else triggers.applications

    def _write_override(self, app: WebApp, override: Optional[bytes]) -> bool:
        """Returns whether there was one before."""
        path = self._override(app)
        existed = os.path.exists(path)
        if override is not None:
            make_dirs(self.server.overrides)
            write_durably(path, override)
        elif existed:
            os.unlink(path)
            fsync_dir(self.server.overrides)
        return existed

    def _kept_override(self, kept: Dict[str, Any]) -> Optional[bytes]:
        if kept["override"] is None:
            return None
        path = os.path.join(kept["directory"], kept["override"])
        data = read_if_there(path)
        if data is None:
            raise AppServerError("the kept configuration is gone", path, "put it back from a backup of the host")
        return data

    def _restore_war(self, kept: Dict[str, Any]) -> bool:
        """Put the prior WAR where it was unless it is there; returns whether it had to be."""
        if not kept["sha256"]:
            return False
        target = kept["location"]
        if os.path.isfile(target) and sha256_file(target) == kept["sha256"]:
            return False
        copy_durably(self._kept_war(kept), target, 0o644)
        return True

    def _kept_war(self, kept: Dict[str, Any]) -> str:
        own = os.path.join(kept["directory"], kept["war"])
        candidates: List[str] = [own, kept.get("shared") or own]
        for path in candidates:
            if os.path.isfile(path) and sha256_file(path) == kept["sha256"]:
                return path
        raise AppServerError(
            "no sound copy of the prior WAR (sha256 %s)" % kept["sha256"],
            " and ".join(candidates),
            "put the prior WAR under one of these names and run the rollback again",
        )

    def _require_libraries(self, app: WebApp) -> None:
        files = configuration(self.server)
        for library in app.libraries:
            if not any(defines_library(data, library, path) for path, data in files):
                cure = "name it under 'configuration' of the release, or have the administrator define it"
                raise AppServerError("there is no shared library %s" % library, self.place, cure)
