# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration changes that a release names are in force: the work of websphere_config, and its undo."""

from __future__ import annotations

import os
from contextlib import closing
from typing import Any, Dict, List, NamedTuple, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.choose import app_server
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import AppServer
from ansible_collections.relmgmt.release.plugins.module_utils._core.audit import digest_of
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import (
    OF_JVM,
    TYPES,
    WITH_FILE,
    Observed,
    Setting,
    as_observed,
    differing,
    entries_digest,
    listing,
    settings_of,
    value_digests,
)
from ansible_collections.relmgmt.release.plugins.module_utils._drop import fetch
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError
from ansible_collections.relmgmt.release.plugins.module_utils._files import sha256_file
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome

COMPONENT = "configuration"
ENTRY_SPEC: Dict[str, Dict[str, Any]] = {
    "type": {"type": "str", "choices": list(TYPES), "required": True},
    "name": {"type": "str"},
    "attribute": {"type": "str"},
    "value": {"type": "str"},
    "from_inventory": {"type": "str"},
    "option": {"type": "str"},
    "file": {"type": "str"},
    "sha256": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


class _Job(NamedTuple):
    server: AppServer
    settings: List[Setting]
    known: List[Setting]  # these, and those of releases before
    expected: Dict[str, str]  # by key, digests of the values that releases gave, this one not yet
    release: str


def configure(host: Host) -> Outcome:
    """Bring the release's configuration into force, or nothing; decided from what is observed."""
    job = _job(host)
    with closing(job.server):
        return _configure(host, job)


def _configure(host: Host, job: _Job) -> Outcome:
    job.server.require_running()
    observed = job.server.observe_settings(job.known)
    changed = differing(job.settings, observed.values)
    record = _record(job, changed, observed)
    if not changed and not observed.pending:
        _adopt(host, job)
        return Outcome(False, record, message="this configuration is in force already")
    todo = _to_do(job, changed, observed)
    files = _fetched(host, todo)
    job.server.check_settings(todo, files)
    wanted = {setting.key: setting.value for setting in job.settings}
    before, after = listing(job.settings, observed.values), listing(job.settings, wanted)
    message = observed.pending or "%d settings differ" % len(changed)
    if not host.check_mode:
        record.update(_change(host, job, todo, observed, files))
    return Outcome(True, record, before, after, message)


def undo_configuration(recipe: Dict[str, Any], _context: object) -> Dict[str, Any]:
    """Bring the values back that an act found; idempotent, says so when the server is down."""
    settings = [Setting(**row) for row in recipe["settings"]]
    files = {key: os.path.join(recipe["directory"], name) for key, name in recipe["files"].items()}
    with closing(app_server(recipe["websphere"])) as server:
        for setting in differing(settings, server.observe_settings(settings).values):
            if setting.type in WITH_FILE and setting.value is not None:
                _require_sound(setting, files.get(setting.key, ""))
        seen = server.apply_settings(settings, files)
    return {"restored": seen.pop("changed", True), **seen}


def _job(host: Host) -> _Job:
    p = host.params
    settings = settings_of(p["entries"], p["values"])
    files = [setting.value for setting in settings if setting.type in WITH_FILE and setting.value is not None]
    permit = host.guard(packages=[*files, entries_digest(p["entries"])])
    current = host.ledger.current(COMPONENT) or {}
    detail = current.get("detail", {})
    rows = detail.get("observe", {}).get("settings", [])
    known = {setting.key: setting for setting in [*(Setting(**row) for row in rows), *settings]}
    return _Job(
        app_server(p["websphere"]), settings, list(known.values()), dict(detail.get("values", {})), permit.release
    )


def _record(job: _Job, changed: Sequence[Setting], observed: Observed) -> Dict[str, Any]:
    stand = value_digests(job.known, observed.values)
    return {
        "set": [setting.key for setting in changed if setting.value is not None],
        "removed": [setting.key for setting in changed if setting.value is None],
        "pending": observed.pending,
        "drift": sorted(key for key, digest in job.expected.items() if stand[key] != digest),
        "restarted": False,
        "log_errors": [],
    }


def _to_do(job: _Job, changed: Sequence[Setting], observed: Observed) -> List[Setting]:
    """What differs; if anything is pending all that is asked for, and options that stand, whoever set them."""
    todo = job.settings if observed.pending else changed
    keys = {setting.key for setting in todo}
    options = [one for one in job.known if observed.pending and one.type in OF_JVM and one.key not in keys]
    return [*todo, *as_observed(options, observed.values)]


def _fetched(host: Host, settings: Sequence[Setting]) -> Dict[str, str]:
    p = host.params
    return {
        setting.key: fetch(p["drop"], p["bundle"], setting.file, setting.value, host.tmpdir)
        for setting in settings if setting.type in WITH_FILE and setting.value is not None
    }


def _change(
    host: Host, job: _Job, todo: Sequence[Setting], observed: Observed, files: Dict[str, str]
) -> Dict[str, Any]:
    directory = host.preimage_dir(COMPONENT)
    differs = {setting.key for setting in differing(todo, observed.values)}
    # What lies there already, perhaps refused by the server, is for the act that laid it to take back.
    prior = as_observed([one for one in todo if one.key in differs or one.type in OF_JVM], observed.values)
    undo = {
        "kind": "configuration",
        "websphere": host.params["websphere"],
        "directory": directory,
        "settings": [setting._asdict() for setting in prior],
        "files": job.server.keep_settings(prior, directory),
    }
    keys = [setting.key for setting in todo]
    with host.act("websphere_config", COMPONENT, {"settings": keys}, undo) as act:
        act.note(names=keys)
        seen = job.server.apply_settings(todo, files)
        _verify(job)
        _set_current(host, job)
        act.note(**seen)
    return {"restarted": seen["restarted"], "log_errors": seen["errors"], "pending": ""}


def _verify(job: _Job) -> None:
    """Success is what is seen afterwards."""
    observed = job.server.observe_settings(job.settings)
    unlike = [setting.key for setting in differing(job.settings, observed.values)]
    if unlike or observed.pending:
        message = "the configuration is not what was set: %s" % (observed.pending or ", ".join(unlike))
        raise AppServerError(message, job.server.place, "find out who else changes this server, then deploy again")


def _adopt(host: Host, job: _Job) -> None:
    """The host is right but the ledger is behind: a run was killed after its cutover."""
    given = value_digests(job.settings, {setting.key: setting.value for setting in job.settings})
    unknown = [key for key, digest in given.items() if job.expected.get(key) != digest]
    if host.check_mode or not unknown or not host.params.get("change"):
        return
    with host.act("websphere_config", COMPONENT, {"action": "record", "settings": unknown}, {}):
        _set_current(host, job)


def _set_current(host: Host, job: _Job) -> None:
    given = {setting.key: setting.value for setting in job.settings}
    values = {**job.expected, **value_digests(job.settings, given)}
    observe = {
        "kind": "configuration",
        "websphere": host.params["websphere"],
        "settings": [setting._replace(value=None, file="")._asdict() for setting in job.known],
    }
    host.ledger.set_current(COMPONENT, job.release, digest_of(values), {"values": values, "observe": observe})


def _require_sound(setting: Setting, path: str) -> None:
    if not os.path.isfile(path) or sha256_file(path) != setting.value:
        message = "no sound copy of the prior file of %s (sha256 %s)" % (setting.key, setting.value)
        raise AppServerError(message, path or "the ledger", "put it there and run the rollback again")
