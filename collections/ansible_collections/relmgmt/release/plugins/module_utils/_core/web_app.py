# SPDX-License-Identifier: GPL-3.0-or-later
"""A web application on an application server: names, the wanted and the observed, what must be done."""

from __future__ import annotations

import re
from typing import NamedTuple, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

ABSENT, STARTED, STOPPED, UNKNOWN = "absent", "started", "stopped", "unknown"

_NAME = re.compile(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_CONTEXT_ROOT = re.compile(r"\A/(?:[A-Za-z0-9_~-][A-Za-z0-9_.~-]*(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*)?\Z")


class WebApp(NamedTuple):
    """An application by the name the inventory gives it (never one read out of the WAR, T9).

    `libraries`: names of the shared libraries that its classes are loaded from too.
    """

    name: str
    context_root: str
    libraries: Tuple[str, ...] = ()


class Deployed(NamedTuple):
    """What was observed of an application: sha256 of its WAR, empty when there is none.

    `configured`: the server's configuration of it is exactly what the package asks for.
    `state`: absent, started, stopped or unknown.
    """

    sha256: str
    context_root: str
    configured: bool
    state: str


class Plan(NamedTuple):
    """What brings the observed to the wanted: action is nothing, install, update or restart."""

    action: str
    reason: str


def web_app(name: str, context_root: str, libraries: Sequence[str] = ()) -> WebApp:
    """Checked names; an empty name would speak of every application (T16)."""
    if not _NAME.match(name):
        raise InvalidInput("not an application's name: %r" % name, "application", "use letters, digits and . _ -")
    if not _CONTEXT_ROOT.match(context_root):
        raise InvalidInput("not a context root: %r" % context_root, "context_root", "give a path such as /%s" % name)
    for library in libraries:
        if not _NAME.match(library):
            cure = "use letters, digits and . _ -"
            raise InvalidInput("not a shared library's name: %r" % library, "libraries", cure)
    return WebApp(name, context_root, tuple(libraries))


def plan(observed: Deployed, sha256: str) -> Plan:
    """Install, update, restart or nothing, from what was observed alone (T8)."""
    if observed.sha256 == sha256 and observed.configured:
        if observed.state == STARTED:
            return Plan("nothing", "this WAR runs already")
        if observed.state == UNKNOWN:
            return Plan("restart", "this WAR is installed, but the change that brought it was cut off")
        return Plan("restart", "this WAR is installed but does not answer")
    if not observed.sha256:
        return Plan("install", "the application is not installed")
    if observed.sha256 != sha256:
        return Plan("update", "another WAR is installed")
    return Plan("update", "the server's configuration of the application differs")


def has_drift(observed_sha256: str, ledger_sha256: str) -> bool:
    """Does the server hold something else than what the ledger says was put there?"""
    return bool(ledger_sha256) and observed_sha256 != ledger_sha256
