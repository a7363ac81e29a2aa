# SPDX-License-Identifier: GPL-3.0-or-later
"""Liberty and Open Liberty: WARs below apps/, one override file an application, the log as witness.

The cutover is the rename of the override file: it names the WAR by a path that holds its digest. Replacing
the WAR alone is not seen by a server that expands archives (autoExpand), nor after a start that failed.
"""

from __future__ import annotations

import os
import re
import time
from typing import Any, Callable, Dict, List, Optional, Set

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_log import LibertyLog
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import (
    LibertyServer,
    serves,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import (
    RUNNING,
    STOPPED,
    UNKNOWN,
    AppServer,
    Kept,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_config import (
    Placement,
    defines_elsewhere,
    override_name,
    read_override,
    render_override,
    war_name,
    war_names,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_messages import Watch
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import (
    ABSENT,
    STARTED,
    Deployed,
    WebApp,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import STOPPED as APP_STOPPED
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError, HostStateUnknown
from ansible_collections.relmgmt.release.plugins.module_utils._files import (
    copy_durably,
    fsync_dir,
    make_dirs,
    remove_tree,
    sha256_file,
    write_durably,
)

_POLL_SECONDS = 0.2
_ALIVE_EVERY = 10  # polls
_PRIOR_WAR, _PRIOR_OVERRIDE = "prior.war", "prior-override.xml"


class Liberty(AppServer):
    """One Liberty server on this host."""

    def __init__(self, server: LibertyServer, sleep: Callable[[float], None] = time.sleep) -> None:
        self.server = server
        self.place = "server %s" % server.name
        self._sleep = sleep
        self._apps = os.path.join(server.config_dir, "apps")
        self._overrides = os.path.join(server.config_dir, "configDropins", "overrides")

    # -- observing -----------------------------------------------------------------------

    def state(self) -> str:
        return self.server.state()

    def require_running(self) -> None:
        state = self.state()
        cure = "start it: %s start %s" % (self.server.command, self.server.name)
        if state == UNKNOWN:
            raise HostStateUnknown("the state of the server cannot be observed", self.place, cure)
        if state != RUNNING:
            raise AppServerError("the server is %s" % state, self.place, cure)

    def observe(self, app: WebApp) -> Deployed:
        self._require_sole_definition(app)
        placement = self._placement(app)
        if placement is None:
            return Deployed("", "", False, ABSENT)
        war = self._war_path(placement)
        sha256 = sha256_file(war) if os.path.isfile(war) else ""
        wanted = render_override(app.name, app.context_root, war_name(app.name, sha256)) if sha256 else b""
        configured = _read(self._override(app)) == wanted
        running = self.state() == RUNNING and serves(self.server.url, placement.context_root)
        return Deployed(sha256, placement.context_root, configured, STARTED if running else APP_STOPPED)

    def installed_war(self, app: WebApp) -> Optional[str]:
        placement = self._placement(app)
        war = self._war_path(placement) if placement else ""
        return war if os.path.isfile(war) else None

    # -- keeping -------------------------------------------------------------------------

    def keep(self, app: WebApp, directory: str) -> Kept:
        override = _read(self._override(app))
        war = self.installed_war(app)
        recipe: Dict[str, Any] = {"directory": directory, "war": None, "override": None, "sha256": ""}
        if override is not None:
            write_durably(os.path.join(directory, _PRIOR_OVERRIDE), override)
            recipe["override"] = _PRIOR_OVERRIDE
        if war is None:
            return Kept(None, "", recipe)
        copy = os.path.join(directory, _PRIOR_WAR)
        recipe.update(war=_PRIOR_WAR, sha256=copy_durably(war, copy), location=war)
        return Kept(copy, recipe["sha256"], recipe)

    def forget_older(self, app: WebApp, keep: Set[str]) -> None:
        pattern = war_names(app.name)
        kept = {war_name(app.name, sha256) for sha256 in keep}
        for name in os.listdir(self._apps):
            if pattern.match(name) and name not in kept:
                os.unlink(os.path.join(self._apps, name))
                remove_tree(os.path.join(self._apps, "expanded", name))

    # -- changing ------------------------------------------------------------------------

    def deploy(self, app: WebApp, war: str) -> Dict[str, Any]:
        sha256 = sha256_file(war)
        location = war_name(app.name, sha256)
        target = os.path.join(self._apps, location)
        override = render_override(app.name, app.context_root, location)
        if override == _read(self._override(app)):
            self._withdraw(app)  # the same configuration again would change nothing and start nothing
        if not os.path.isfile(target) or sha256_file(target) != sha256:
            make_dirs(self._apps)
            copy_durably(war, target, 0o644)
        return self._cut_over(app, override)

    def put_back(self, app: WebApp, kept: Dict[str, Any]) -> Dict[str, Any]:
        seen = self._put_back(app, kept)
        self.forget_older(app, {kept["sha256"]})  # what the change brought is no longer referred to
        return seen

    def _put_back(self, app: WebApp, kept: Dict[str, Any]) -> Dict[str, Any]:
        override = self._kept_override(kept)
        wrong_war = self._restore_war(kept)
        current = _read(self._override(app))
        if self.state() != RUNNING:
            self._write_override(app, override)
            return {"server": STOPPED, "restored": True, "cure": "start %s, then look again" % self.place}
        if override is None:
            return self._remove(app, current is not None)
        started = serves(self.server.url, read_override(override, self.place).context_root)
        if current == override and not wrong_war and (started or not kept.get("was_started", True)):
            return {"server": RUNNING, "restored": False}
        if current == override:
            self._withdraw(app)
        if not kept.get("was_started", True):
            self._write_override(app, override)
            return {"server": RUNNING, "restored": True, "note": "the application did not run before either"}
        return dict(self._cut_over(app, override), server=RUNNING, restored=True)

    def _cut_over(self, app: WebApp, override: bytes) -> Dict[str, Any]:
        log, watch = LibertyLog(self.server.log), Watch(app.name)
        log.mark()
        self._write_override(app, override)
        deadline = time.monotonic() + self.server.start_timeout
        self._follow(log, watch, lambda: watch.verdict.state != "waiting", deadline, "did not start")
        if watch.verdict.state == "failed":
            raise self._failure(app, "did not start: %s" % watch.verdict.message, watch.errors)
        context_root = read_override(override, self.place).context_root
        self._follow(log, watch, lambda: serves(self.server.url, context_root), deadline, "does not answer")
        return {"message": watch.verdict.message, "errors": watch.errors[:20]}

    def _remove(self, app: WebApp, configured: bool) -> Dict[str, Any]:
        if configured:
            self._withdraw(app)
        return {"server": RUNNING, "restored": configured}

    def _withdraw(self, app: WebApp) -> None:
        """Take the application out of the configuration and wait until the server has done so."""
        placement = self._placement(app)
        context_root = placement.context_root if placement else app.context_root
        log, watch = LibertyLog(self.server.log), Watch(app.name)
        log.mark()
        self._write_override(app, None)
        deadline = time.monotonic() + self.server.start_timeout

        def gone() -> bool:
            return watch.stopped or (watch.config_done and not serves(self.server.url, context_root))

        self._follow(log, watch, gone, deadline, "was not taken out of service")

    def _follow(
        self, log: LibertyLog, watch: Watch, done: Callable[[], bool], deadline: float, failure: str
    ) -> None:
        """Read the log until `done`; ends at once when the server is gone (T13)."""
        polls = 0
        while True:
            watch.read(log.new_lines())
            if done():
                return
            polls += 1
            if polls % _ALIVE_EVERY == 0 and self.state() == STOPPED:
                raise self._failure_of(watch, "the server stopped while application %s was changed")
            if time.monotonic() >= deadline:
                text = "application %%s %s within %d s" % (failure, self.server.start_timeout)
                raise self._failure_of(watch, text)
            self._sleep(_POLL_SECONDS)

    def _failure_of(self, watch: Watch, text: str) -> AppServerError:
        cure = "read %s (are updates of configuration polled?)" % self.server.log
        return AppServerError(text % watch.application, self.place, cure, errors=watch.errors[:20])

    def _failure(self, app: WebApp, text: str, errors: List[str]) -> AppServerError:
        cure = "read %s, correct the package" % self.server.log
        return AppServerError("application %s %s" % (app.name, text), self.place, cure, errors=errors[:20])

    # -- files ---------------------------------------------------------------------------

    def _override(self, app: WebApp) -> str:
        return os.path.join(self._overrides, override_name(app.name))

    def _placement(self, app: WebApp) -> Optional[Placement]:
        data = _read(self._override(app))
        return None if data is None else read_override(data, self._override(app))

    def _war_path(self, placement: Placement) -> str:
        return os.path.join(self._apps, placement.location)

    def _write_override(self, app: WebApp, override: Optional[bytes]) -> None:
        path = self._override(app)
        if override is not None:
            make_dirs(self._overrides)
            write_durably(path, override)
        elif os.path.exists(path):
            os.unlink(path)
            fsync_dir(self._overrides)

    def _kept_override(self, kept: Dict[str, Any]) -> Optional[bytes]:
        if kept["override"] is None:
            return None
        path = os.path.join(kept["directory"], kept["override"])
        data = _read(path)
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

    def _require_sole_definition(self, app: WebApp) -> None:
        for path in self._other_configuration(app):
            element = defines_elsewhere(_read(path) or b"<server/>", app.name, path)
            if element:
                message = "application %s is already defined by %s" % (app.name, element)
                raise AppServerError(message, path, "remove that element: the release manages the application")

    def _other_configuration(self, app: WebApp) -> List[str]:
        drop_ins = os.path.join(self.server.config_dir, "configDropins")
        paths = [os.path.join(self.server.config_dir, "server.xml")]
        for folder in (os.path.join(drop_ins, "defaults"), self._overrides):
            names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
            paths += [os.path.join(folder, name) for name in names if re.search(r"\.xml\Z", name, re.IGNORECASE)]
        return [path for path in paths if os.path.isfile(path) and path != self._override(app)]


def _read(path: str) -> Optional[bytes]:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None
