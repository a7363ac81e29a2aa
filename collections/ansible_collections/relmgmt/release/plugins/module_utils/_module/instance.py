# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``instance`` of every module that works on an M instance, and ``instance_info``."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ansible_collections.relmgmt.release.plugins.module_utils._engines.choose import ENGINES, open_engine
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome

GTM_SPEC: Dict[str, Any] = {
    "dist": {"type": "path", "required": True},
    "global_directory": {"type": "path", "required": True},
    "source_directory": {"type": "path", "required": True},
    "object_directory": {"type": "path", "required": True},
    "environment": {"type": "dict", "default": {}},
}
#: the documentation is in the doc fragment ``relmgmt.release.instance``
INSTANCE_SPEC: Dict[str, Any] = {
    "instance": {
        "type": "dict", "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "engine": {"type": "str", "required": True, "choices": sorted(ENGINES)},
            "gtm": {"type": "dict", "options": GTM_SPEC},
        },
        "required_if": [("engine", "gtm", ["gtm"])],
    }
}


def look(host: Host) -> Outcome:
    """What is observed of the instance; changes nothing."""
    engine = open_engine(host.params["instance"])
    info = engine.info()
    users = engine.attached()
    record = {
        "engine": info.engine, "name": info.name, "version": info.version, "state": info.state,
        "namespaces": list(info.namespaces), "code_in_datasets": info.code_in_datasets,
        "datasets": [dict(dataset._asdict()) for dataset in info.datasets],
        "attached": {"processes": users.processes, "pids": list(users.pids)},
    }
    return Outcome(False, record, message=_said(record))


def _said(record: Mapping[str, Any]) -> str:
    return f"{record['name']} ({record['version']}) is {record['state']}"
