# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``interfaces`` of the modules of test mode; the documentation is in the doc fragment of that name."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import (
    DEFAULT_VALUE,
    HOSTS,
    INBOUND,
    OUTBOUND,
    PROTOCOLS,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.place_options import (
    FILE_FORMATS,
    PLACES,
    QUEUES,
    TARGETS,
)

_LIST: Dict[str, Any] = {"type": "list", "elements": "str"}
_HOSTS: Dict[str, Any] = {"type": "str", "required": True, "aliases": list(HOSTS[1:])}
#: which kind of place has which of them is checked by the core, with messages that name the interface
_OPTIONS: Dict[str, Dict[str, Any]] = {
    "attribute": {"type": "str"},
    "command": _LIST,
    "encoding": {"type": "str"},
    "format": {"type": "str", "choices": list(FILE_FORMATS)},
    "global": {"type": "str"},
    "host_class": {"type": "str"},
    "in_force": _LIST,
    "item": {"type": "str"},
    "key": {"type": "raw", "no_log": False},
    "name": {"type": "str"},
    "path": {"type": "path"},
    "production": {"type": "str"},
    "reload": _LIST,
    "section": {"type": "str"},
    "setting": {"type": "str"},
    "subscripts": _LIST,
    "target": {"type": "str", "choices": list(TARGETS)},
    "type": {"type": "str"},
}
_ENDPOINT: Dict[str, Any] = {
    "type": "dict", "required": True,
    "options": {
        "host": {"type": "str", "required": True},
        "port": {"type": "int", "required": True},
        "addresses": {"type": "list", "elements": "str", "default": []},
    },
}
_SETTING: Dict[str, Dict[str, Any]] = {
    "hosts": _HOSTS,
    "place": {"type": "str", "required": True, "choices": sorted(PLACES)},
    "value": {"type": "str", "default": DEFAULT_VALUE},
    **_OPTIONS,
}
_QUEUE: Dict[str, Dict[str, Any]] = {
    "hosts": _HOSTS,
    "place": {"type": "str", "required": True, "choices": sorted(QUEUES)},
    **{name: _OPTIONS[name] for name in ("command", "global", "item", "subscripts")},
}
_INTERFACE: Dict[str, Dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "direction": {"type": "str", "required": True, "choices": [OUTBOUND, INBOUND]},
    "protocol": {"type": "str", "choices": list(PROTOCOLS), "default": PROTOCOLS[0]},
    "production": _ENDPOINT,
    "test": _ENDPOINT,
    "settings": {"type": "list", "elements": "dict", "required": True, "options": _SETTING},
    "queue": {"type": "dict", "options": _QUEUE},
}
INTERFACES_SPEC: Dict[str, Any] = {
    "interfaces": {"type": "list", "elements": "dict", "default": [], "options": _INTERFACE},
}
