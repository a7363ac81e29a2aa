# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift: what is really there against what the ledger says is current.

A component's ``detail`` in the ledger may carry ``observe``, a mapping with ``kind`` and
what that kind's observer needs; an observer returns the digest that it sees, or None when
the component is not there. Every host is asked before anything is done: a database's observer is
not compiled on an application server.
"""

from __future__ import annotations

from typing import Any, Callable


def _cache_items(recipe: dict[str, Any]) -> str | None:
    from ansible_collections.relmgmt.release.plugins.module_utils._module.cache_package_undo import (
        observe_cache_items,
    )

    return observe_cache_items(recipe)


def _war(recipe: dict[str, Any]) -> str | None:
    from ansible_collections.relmgmt.release.plugins.module_utils._module.web_app import observe_war

    return observe_war(recipe)


def _configuration(recipe: dict[str, Any]) -> str | None:
    from ansible_collections.relmgmt.release.plugins.module_utils._module.web_config import observe_configuration

    return observe_configuration(recipe)


def _static(recipe: dict[str, Any]) -> str | None:
    from ansible_collections.relmgmt.release.plugins.module_utils._module.static_content import observe_static

    return observe_static(recipe)


OBSERVERS: dict[str, Callable[[dict[str, Any]], str | None]] = {
    "cache_items": _cache_items,
    "war": _war,
    "configuration": _configuration,
    "static": _static,
}


def drift(currents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Components whose observed digest is not the ledger's: component, expected, observed."""
    found = []
    for row in currents:
        recipe = row["detail"].get("observe")
        if recipe is None:
            continue
        seen = _observe(recipe)
        if seen != recipe.get("digest", row["digest"]):
            found.append({"component": row["component"], "expected": row["digest"], "observed": seen})
    return found


def _observe(recipe: dict[str, Any]) -> str | None:
    try:
        return OBSERVERS[recipe["kind"]](recipe)
    except Exception as error:  # one component that cannot be seen hides no other
        return f"unknown: {error}"
