# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift: what is really there against what the ledger says is current.

A component's ``detail`` in the ledger may carry ``observe``, a mapping with ``kind`` and
what that kind's observer needs; an observer returns the digest that it sees, or None when
the component is not there. Every host is asked before anything is done, and compiles what it imports
in every call: an observer imports what it needs itself, and views only, nothing that changes a host.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any, Callable, NamedTuple


class Seen(NamedTuple):
    """``digest``: of what is there, None when nothing is; ``note``: what a person should know of it."""

    digest: str | None
    note: str = ""


def observe_cache_items(recipe: dict[str, Any]) -> Seen:
    """The live items that the ledger names."""
    from ansible_collections.relmgmt.release.plugins.module_utils._core.items import digest_items, digest_lines
    from ansible_collections.relmgmt.release.plugins.module_utils._engines.choose_view import open_engine_view

    live = open_engine_view(recipe["instance"]).read_items(list(recipe["names"]))
    digests = {name: digest_lines(item.lines) for name, item in live.items()}
    return Seen(digest_items(digests) if digests or not recipe["names"] else None)


def observe_war(recipe: dict[str, Any]) -> Seen:
    """The application that is installed."""
    from ansible_collections.relmgmt.release.plugins.module_utils._appservers.choose_view import app_server_view
    from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import STARTED, WebApp

    with closing(app_server_view(recipe["websphere"])) as server:
        found = server.observe(WebApp(recipe["application"], recipe["context_root"]))
    silent = found.sha256 and found.state != STARTED
    return Seen(found.sha256 or None, "is installed, but does not answer" if silent else "")


def observe_configuration(recipe: dict[str, Any]) -> Seen:
    """One digest over the values that stand of everything that releases have set."""
    from ansible_collections.relmgmt.release.plugins.module_utils._appservers.choose_view import app_server_view
    from ansible_collections.relmgmt.release.plugins.module_utils._core.audit import digest_of
    from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import Setting, value_digests

    settings = [Setting(**row) for row in recipe["settings"]]
    with closing(app_server_view(recipe["websphere"])) as server:
        return Seen(digest_of(value_digests(settings, server.observe_settings(settings).values)))


def observe_static(recipe: dict[str, Any]) -> Seen:
    """The tree that is served."""
    from ansible_collections.relmgmt.release.plugins.module_utils._core.tree import tree_digest
    from ansible_collections.relmgmt.release.plugins.module_utils._docroot_view import DocumentRootView

    root = DocumentRootView(recipe["document_root"])
    link = root.link()
    return Seen(None if link is None else tree_digest(root.tree(link)))


OBSERVERS: dict[str, Callable[[dict[str, Any]], Seen]] = {
    "cache_items": observe_cache_items,
    "war": observe_war,
    "configuration": observe_configuration,
    "static": observe_static,
}


def look(currents: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Components whose digest is not the ledger's: component, expected, observed; and what to know of the others."""
    drift, notes = [], []
    for row in currents:
        recipe = row["detail"].get("observe")
        if recipe is None:
            continue
        seen = _observe(recipe)
        if seen.digest != recipe.get("digest", row["digest"]):
            drift.append({"component": row["component"], "expected": row["digest"], "observed": seen.digest})
        elif seen.note:
            notes.append(f"{row['component']} {seen.note}")
    return drift, notes


def _observe(recipe: dict[str, Any]) -> Seen:
    try:
        return OBSERVERS[recipe["kind"]](recipe)
    except Exception as error:  # one component that cannot be seen hides no other
        return Seen(f"unknown: {error}")
