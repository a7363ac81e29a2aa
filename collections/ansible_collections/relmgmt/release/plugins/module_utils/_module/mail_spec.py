# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``relmgmt_mail``."""

from __future__ import annotations

from typing import Any, Dict

MAIL_SPEC: Dict[str, Any] = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 25},
    "sender": {"type": "str", "required": True},
    "to": {"type": "list", "elements": "str", "required": True},
    "starttls": {"type": "bool", "default": False},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
}
