# SPDX-License-Identifier: GPL-3.0-or-later
"""A WAR runs on an application server: the work of websphere_app and websphere_app_info, and its undo."""

from __future__ import annotations

import os
from contextlib import closing
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.choose import KINDS, app_server
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import AppServer, Kept
from ansible_collections.relmgmt.release.plugins.module_utils._archive import read_entries
from ansible_collections.relmgmt.release.plugins.module_utils._core.archive import Limits
from ansible_collections.relmgmt.release.plugins.module_utils._core.tree import listing
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import (
    STARTED,
    UNKNOWN,
    Deployed,
    Plan,
    WebApp,
    has_drift,
    plan,
    web_app,
)
from ansible_collections.relmgmt.release.plugins.module_utils._drop import fetch
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError, InvalidInput, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._files import copy_durably, make_dirs, sha256_file
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome
from ansible_collections.relmgmt.release.plugins.module_utils._module.view import HostView

_LIBERTY_SPEC: Dict[str, Dict[str, Any]] = {
    "server": {"type": "str", "required": True},
    "install_dir": {"type": "path", "required": True},
    "user_dir": {"type": "path"},
    "java_home": {"type": "path"},
    "url": {"type": "str", "required": True},
    "start_timeout": {"type": "int", "default": 120},
    "log": {"type": "path"},
    "health_path": {"type": "str"},
    "placement": {"type": "str", "choices": ["auto", "apps", "dropins"], "default": "auto"},
    "update_trigger": {"type": "str", "choices": ["auto", "polled", "mbean", "disabled"], "default": "auto"},
    "may_restart": {"type": "bool", "default": False},
    "restart_command": {"type": "list", "elements": "str"},
    "admin": {
        "type": "dict",
        "options": {
            "url": {"type": "str", "required": True},
            "user": {"type": "str", "required": True},
            "password_file": {"type": "path", "required": True, "no_log": False},
            "ca_file": {"type": "path"},
        },
    },
}
_PLACES_SPEC: Dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {"node": {"type": "str", "required": True}, "server": {"type": "str", "required": True}},
}
_WAS_SPEC: Dict[str, Dict[str, Any]] = {
    "profile": {"type": "path", "required": True},
    "url": {"type": "str"},
    "cluster": {"type": "str"},
    "servers": _PLACES_SPEC,
    "web_servers": _PLACES_SPEC,
    "virtual_host": {"type": "str", "default": "default_host"},
    "username": {"type": "str"},
    "password_file": {"type": "path", "no_log": False},
    "host": {"type": "str"},
    "port": {"type": "int"},
    "rollout": {"type": "str", "choices": ["nodes", "servers"], "default": "nodes"},
    "may_restart": {"type": "bool", "default": False},
    "connect_timeout": {"type": "int", "default": 180},
    "request_timeout": {"type": "int", "default": 600},
    "start_timeout": {"type": "int", "default": 300},
}
WEBSPHERE_SPEC: Dict[str, Any] = {
    "type": "dict",
    "required": True,
    "options": {
        "kind": {"type": "str", "choices": sorted(KINDS), "default": "liberty"},
        "liberty": {"type": "dict", "options": _LIBERTY_SPEC},
        "was": {"type": "dict", "options": _WAS_SPEC, "required_together": [("username", "password_file")]},
    },
    "required_if": [("kind", "liberty", ["liberty"]), ("kind", "was", ["was"])],
}
_LIMITS = Limits()


class _Job(NamedTuple):
    app: WebApp
    server: AppServer
    component: str
    file: str
    sha256: str
    release: str


def deploy(host: Host) -> Outcome:
    """Install, update or restart each application, or nothing; decided from what is observed.

    One server serves all of them (a start of wsadmin costs 8 to 20 seconds); each is an act of its own.
    """
    several = host.params["applications"]
    jobs = _jobs(host, [host.params] if several is None else several)
    with closing(jobs[0].server):
        outcomes = [_deploy(host, job) for job in jobs]
    return outcomes[0] if several is None else _joined(outcomes)


def _joined(outcomes: List[Outcome]) -> Outcome:
    """One outcome that tells each application's."""
    records = [dict(one.record, changed=one.changed, msg=one.message) for one in outcomes]
    return Outcome(
        any(one.changed for one in outcomes), {"applications": records},
        "".join(one.before for one in outcomes), "".join(one.after for one in outcomes),
        "; ".join("%s: %s" % (one.record["application"], one.message) for one in outcomes),
    )


def _deploy(host: Host, job: _Job) -> Outcome:
    job.server.refresh()
    job.server.require_ready(job.app)
    observed = job.server.observe(job.app)
    todo = plan(observed, job.sha256)
    record = _record(host, job, observed, todo)
    if todo.action == "nothing":
        _adopt(host, job)
        return Outcome(False, record, message=todo.reason)
    war = _fetched(host, job)
    before, after = _sides(host, job, observed, war)
    if host.check_mode:
        return Outcome(True, dict(record, sha256=job.sha256), before, after, todo.reason)
    record.update(_change(host, job, observed, todo, war))
    return Outcome(True, record, before, after, todo.reason)


def describe(host: HostView) -> Outcome:
    """What runs, without touching anything."""
    app = web_app(host.params["application"], "/")
    with closing(app_server(host.params["websphere"])) as server:
        observed = server.observe(app)
        current = host.ledger.current(_component(app.name)) or {}
        record = _observed_record(app, observed, current)
        return Outcome(False, dict(record, server=server.state()))


def undo_war(recipe: Dict[str, Any], _context: object) -> Dict[str, Any]:
    """Put back the WAR and configuration that an act found; says so when the server is down."""
    app = WebApp(recipe["application"], recipe["context_root"])
    with closing(app_server(recipe["websphere"])) as server:
        return server.put_back(app, recipe["kept"])


def _jobs(host: Host, wanted: List[Dict[str, Any]]) -> List[_Job]:
    apps = [web_app(one["application"], one["context_root"], one["libraries"]) for one in wanted]
    if len({app.name for app in apps}) != len(apps) or not apps:
        raise InvalidInput("no application, or one twice", "applications", "name each once")
    release = host.guard(packages=[one["sha256"] for one in wanted]).release
    server = app_server(host.params["websphere"])
    return [
        _Job(app, server, _component(app.name), one["file"], one["sha256"], release)
        for app, one in zip(apps, wanted)
    ]


def _component(application: str) -> str:
    return "war:%s" % application


def _record(host: Host, job: _Job, observed: Deployed, todo: Plan) -> Dict[str, Any]:
    current = host.ledger.current(job.component) or {}
    return dict(_observed_record(job.app, observed, current), action=todo.action, previous_sha256=observed.sha256)


def _observed_record(app: WebApp, observed: Deployed, current: Dict[str, Any]) -> Dict[str, Any]:
    return {
        "application": app.name,
        "context_root": observed.context_root,
        "sha256": observed.sha256,
        "state": observed.state,
        "ledger_sha256": current.get("digest", ""),
        "release": current.get("release", ""),
        "drift": has_drift(observed.sha256, current.get("digest", "")),
    }


def _fetched(host: Host, job: _Job) -> str:
    p = host.params
    war = fetch(p["drop"], p["bundle"], job.file, job.sha256, host.tmpdir)
    read_entries(war, _LIMITS, job.file)  # every member is read: a broken WAR is refused before the change
    return war


def _sides(host: Host, job: _Job, observed: Deployed, war: str) -> Tuple[str, str]:
    installed = job.server.installed_war(job.app)
    before = _side(observed.context_root, observed.sha256, installed)
    return before, _side(job.app.context_root, job.sha256, war)


def _side(context_root: str, sha256: str, war: Optional[str]) -> str:
    if war is None:
        return ""
    try:
        content = listing(read_entries(war, _LIMITS))
    except RelmgmtError as error:
        content = "(%s)\n" % error.message  # what is installed may be older than the rules for packages
    return "context root %s\nsha256 %s\n%s" % (context_root, sha256, content)


def _change(host: Host, job: _Job, observed: Deployed, todo: Plan, war: str) -> Dict[str, Any]:
    kept = job.server.keep(job.app, host.preimage_dir(job.component))
    shared = _share(host, job, kept)
    recipe = dict(kept.recipe, shared=shared, was_started=observed.state in (STARTED, UNKNOWN))
    undo = {
        "kind": "war",
        "application": job.app.name,
        "context_root": job.app.context_root,
        "websphere": host.params["websphere"],
        "kept": recipe,
    }
    intent = {"action": todo.action, "sha256": job.sha256, "previous_sha256": observed.sha256}
    with host.act("websphere_app", job.component, intent, undo) as act:
        seen = job.server.deploy(job.app, war)
        deployed = _verified(job)
        _set_current(host, job)
        job.server.forget_older(job.app, _digests_in_use(host, job) | {kept.sha256})
        act.note(sha256=deployed.sha256, prior=kept.war, shared=shared, **seen)
    return {
        "sha256": deployed.sha256,
        "context_root": deployed.context_root,
        "state": deployed.state,
        "started": seen.get("message", ""),
        "log_errors": seen.get("errors", []),
        "notes": seen.get("notes", []),
        "prior_package": kept.war or "",
        "shared_package": shared or "",
    }


def _verified(job: _Job) -> Deployed:
    """Success is what is seen afterwards, not a line of a log alone (T14)."""
    deployed = job.server.observe(job.app)
    left = plan(deployed, job.sha256)
    if left.action != "nothing":
        message = "application %s is not what was deployed: %s" % (job.app.name, left.reason)
        raise AppServerError(message, job.server.place, "find out who else changes this server, then deploy again")
    return deployed


def _share(host: Host, job: _Job, kept: Kept) -> Optional[str]:
    """The prior package also goes to the shared folder, before anything changes (A15, T1)."""
    folder = host.params.get("shared_folder")
    if kept.war is None or not folder:
        return None
    current = host.ledger.current(job.component) or {}
    release = current.get("release") if current.get("digest") == kept.sha256 else ""
    name = "%s-%s.war" % (release or "unrecorded", kept.sha256[:12])
    target = os.path.join(folder, job.app.name, name)
    try:
        if not os.path.isfile(target) or sha256_file(target) != kept.sha256:
            make_dirs(os.path.dirname(target))
            copy_durably(kept.war, target, 0o644)
    except OSError as error:
        message = "the prior package cannot be kept in the shared folder: %s" % error.strerror
        raise AppServerError(message, target, "mount the folder and let this user write there") from error
    return target


def _adopt(host: Host, job: _Job) -> None:
    """The host is right but the ledger is behind: a run was killed after its cutover."""
    current = host.ledger.current(job.component) or {}
    if host.check_mode or current.get("digest") == job.sha256 or not host.params.get("change"):
        return
    with host.act("websphere_app", job.component, {"action": "record", "sha256": job.sha256}, {}):
        _set_current(host, job)


def _set_current(host: Host, job: _Job) -> None:
    observe = {
        "kind": "war",
        "application": job.app.name,
        "context_root": job.app.context_root,
        "websphere": host.params["websphere"],
    }
    detail = {"context_root": job.app.context_root, "server": job.server.place, "observe": observe}
    host.ledger.set_current(job.component, job.release, job.sha256, detail)


def _digests_in_use(host: Host, job: _Job) -> Set[str]:
    """WARs that something may still go back to: the new one and those of open change cycles (T4)."""
    used = {job.sha256}
    for receipt in host.ledger.receipts():
        if receipt["state"] == "open":
            used.update(_kept_digests(host.ledger.acts(receipt["change"], receipt["attempt"]), job.component))
    return used


def _kept_digests(acts: List[Dict[str, Any]], component: str) -> Set[str]:
    recipes = [act["undo"]["kept"] for act in acts if act["target"] == component and act["undo"].get("kept")]
    return {recipe["sha256"] for recipe in recipes if recipe["sha256"]}
