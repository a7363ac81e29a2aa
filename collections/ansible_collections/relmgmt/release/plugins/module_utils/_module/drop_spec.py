# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules that take a package from the drop; documented in the fragment relmgmt.release.drop."""

from __future__ import annotations

from typing import Any, Dict

BUNDLE_SPEC: Dict[str, Dict[str, Any]] = {
    "drop": {
        "type": "dict",
        "required": True,
        "options": {
            "method": {"type": "str", "choices": ["path", "sftp"], "default": "path"},
            "path": {"type": "str", "required": True},
            "host": {"type": "str"},
            "port": {"type": "int", "default": 22},
            "user": {"type": "str"},
            "private_key": {"type": "path", "no_log": False},
            "known_hosts": {"type": "path"},
        },
        "required_if": [("method", "sftp", ["host", "user", "private_key", "known_hosts"])],
    },
    "bundle": {"type": "str", "required": True},
}
DROP_SPEC: Dict[str, Dict[str, Any]] = {
    **BUNDLE_SPEC,
    "file": {"type": "str", "required": True},
    "sha256": {"type": "str", "required": True},
}
