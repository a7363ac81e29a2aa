# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``test_mode`` and ``test_mode_info``."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relmgmt.release.plugins.module_utils._module.instance import INSTANCE_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.interface_spec import INTERFACES_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.mail_spec import MAIL_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.web_app import WEBSPHERE_SPEC

#: the options that say which settings a host holds, and how they are reached
PLACES_SPEC: Dict[str, Any] = {
    **INTERFACES_SPEC,
    "here": {"type": "list", "elements": "str", "default": []},
    "instance": {**INSTANCE_SPEC["instance"], "required": False},
    "websphere": {**WEBSPHERE_SPEC, "required": False},
}
_WORDS: Dict[str, Any] = {"type": "list", "elements": "str", "default": []}
_PROOF: Dict[str, Any] = {
    "host": {"type": "str", "required": True},
    "path": {"type": "str", "required": True},
    "root_digest": {"type": "str", "required": True},
    "at": {"type": "float", "required": True},
}
_TIMER: Dict[str, Any] = {
    "kind": {"type": "str", "choices": ["auto", "systemd", "process", "none"], "default": "auto"},
    "unit_directory": {"type": "path", "default": "/etc/systemd/system"},
    "systemctl": {"type": "str", "default": "systemctl"},
}
TEST_MODE_SPEC: Dict[str, Any] = {
    **PLACES_SPEC,
    "state": {"type": "str", "choices": ["test", "production"], "required": True},
    "point": {"type": "str", "choices": ["before", "installed", ""], "default": ""},
    "point_max_age": {"type": "int", "default": 3600},
    "ends_at": {"type": "float", "default": 0},
    "without_fence": {"type": "str", "default": ""},
    "restored": {"type": "list", "elements": "dict", "default": [], "options": _PROOF},
    "outcome": {"type": "str", "choices": ["signed_off", "rejected"]},
    "person": {"type": "str", "default": ""},
    "banner": {"type": "dict", "default": {}, "options": {"on": _WORDS, "off": _WORDS}},
    "mail": {"type": "dict", "options": MAIL_SPEC},
    "timer": {"type": "dict", "default": {}, "options": _TIMER},
}
TEST_MODE_INFO_SPEC: Dict[str, Any] = {"ledger": LEDGER_SPEC["ledger"], **PLACES_SPEC}
