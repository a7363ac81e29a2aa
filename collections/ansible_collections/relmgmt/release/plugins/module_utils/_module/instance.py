# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``instance`` of every module that works on an M instance, and ``instance_info``."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ansible_collections.relmgmt.release.plugins.module_utils._engines.choose import ENGINES, open_engine
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import Engine
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown
from ansible_collections.relmgmt.release.plugins.module_utils._module.view import HostView, Outcome

GTM_SPEC: Dict[str, Any] = {
    "dist": {"type": "path", "required": True},
    "global_directory": {"type": "path", "required": True},
    "source_directory": {"type": "path", "required": True},
    "object_directory": {"type": "path", "required": True},
    "environment": {"type": "dict", "default": {}},
}
IRIS_SPEC: Dict[str, Any] = {
    "control": {"type": "path", "required": True},
    "session": {"type": "path"},
    "namespace": {"type": "str", "required": True},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "password_file": {"type": "path"},
    "encoding": {"type": "str", "default": "utf-8"},
    "databases": {"type": "list", "elements": "str", "default": []},
    "start_timeout": {"type": "int", "default": 300},
    "thaw_command": {"type": "list", "elements": "str", "default": []},
}
#: what the ledger never keeps of an instance (invariant 11)
SECRETS = ("password",)
#: the documentation is in the doc fragment ``relmgmt.release.instance``
INSTANCE_SPEC: Dict[str, Any] = {
    "instance": {
        "type": "dict", "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "engine": {"type": "str", "required": True, "choices": sorted(ENGINES)},
            "gtm": {"type": "dict", "options": GTM_SPEC},
            "iris": {
                "type": "dict", "options": IRIS_SPEC,
                "mutually_exclusive": [("password", "password_file")],
                "required_by": {"password": "username", "password_file": "username"},
            },
        },
        "required_if": [("engine", "gtm", ["gtm"]), ("engine", "iris", ["iris"])],
    }
}


def recipe_of(instance: Mapping[str, Any]) -> Dict[str, Any]:
    """The instance as a recipe in the ledger may carry it: without secrets.

    Undoing by it works with operating system authentication or a ``password_file``.
    """
    return {
        key: {name: one for name, one in value.items() if name not in SECRETS} if isinstance(value, dict) else value
        for key, value in instance.items() if value is not None
    }


def with_secrets(recipe: Optional[Mapping[str, Any]], given: Optional[Mapping[str, Any]]) -> Optional[Dict[str, Any]]:
    """The recipe with the secrets that it lacks, where `given` (the inventory's instance of today) has them."""
    if recipe is None:
        return None
    found = dict(recipe)
    for key, value in (given or {}).items():
        if isinstance(value, dict) and isinstance(found.get(key), dict):
            secrets = {name: one for name, one in value.items() if name in SECRETS and one is not None}
            found[key] = {**secrets, **found[key]}
    return found


def look(host: HostView) -> Outcome:
    """What is observed of the instance; changes nothing."""
    engine = open_engine(host.params["instance"])
    info = engine.info()
    record = {
        "engine": info.engine, "name": info.name, "version": info.version, "state": info.state,
        "namespaces": list(info.namespaces), "code_in_datasets": info.code_in_datasets,
        "product": info.product, "health": info.health, "mirror": info.mirror,
        "datasets": [dict(dataset._asdict()) for dataset in info.datasets],
        "attached": _attached(engine),
    }
    return Outcome(False, record, message=_said(record))


def _attached(engine: Engine) -> Optional[Dict[str, Any]]:
    """Who has the datasets open; None where the instance does not tell."""
    try:
        users = engine.attached()
    except HostStateUnknown:
        return None
    return {"processes": users.processes, "pids": list(users.pids)}


def _said(record: Mapping[str, Any]) -> str:
    product = f"{record['product']} " if record["product"] else ""
    health = f", health {record['health']}" if record["health"] not in ("", "ok") else ""
    mirror = f", mirror member {record['mirror']}" if record["mirror"] else ""
    return f"{record['name']} ({product}{record['version']}) is {record['state']}{health}{mirror}"
