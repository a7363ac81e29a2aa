# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapter of the application server that an inventory names."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty import Liberty
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import liberty_server
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import AppServer
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput


def app_server(websphere: Dict[str, Any]) -> AppServer:
    """The server of `relmgmt_websphere`: its kind says which adapter."""
    if websphere.get("kind", "liberty") != "liberty":
        raise InvalidInput("no adapter for %r" % websphere["kind"], "relmgmt_websphere.kind", "use liberty")
    return Liberty(liberty_server(websphere["liberty"]))
