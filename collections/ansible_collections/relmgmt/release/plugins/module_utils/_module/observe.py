# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift: what is really there against what the ledger says is current.

A component's ``detail`` in the ledger may carry ``observe``, a mapping with ``kind`` and
what that kind's observer needs; an observer returns the digest that it sees, or None when
the component is not there. Every host is asked before anything is done: a database's observer is
not compiled on an application server.
"""

from __future__ import annotations

from typing import Any, Callable, NamedTuple


class Seen(NamedTuple):
    """``digest``: of what is there, None when nothing is; ``note``: what a person should know of it."""

    digest: str | None
    note: str = ""


def _cache_items(recipe: dict[str, Any]) -> Seen:
    from ansible_collections.relmgmt.release.plugins.module_utils._module.cache_package_undo import (
        observe_cache_items,
    )

    return Seen(observe_cache_items(recipe))


def _war(recipe: dict[str, Any]) -> Seen:
    from ansible_collections.relmgmt.release.plugins.module_utils._module.web_app import observe_war

    found = observe_war(recipe)
    silent = found.sha256 and found.state != "started"
    return Seen(found.sha256 or None, "is installed, but does not answer" if silent else "")


def _configuration(recipe: dict[str, Any]) -> Seen:
    from ansible_collections.relmgmt.release.plugins.module_utils._module.web_config import observe_configuration

    return Seen(observe_configuration(recipe))


def _static(recipe: dict[str, Any]) -> Seen:
    from ansible_collections.relmgmt.release.plugins.module_utils._module.static_content import observe_static

    return Seen(observe_static(recipe))


OBSERVERS: dict[str, Callable[[dict[str, Any]], Seen]] = {
    "cache_items": _cache_items,
    "war": _war,
    "configuration": _configuration,
    "static": _static,
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
