# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapter of the application server that an inventory names.

A managed host compiles whatever a module imports, anew in every call: an adapter is imported where it is made.
"""

from __future__ import annotations

from typing import Any, Callable, Dict

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.choose_view import opened
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import AppServer


def _liberty(options: Dict[str, Any]) -> AppServer:
    from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty import Liberty
    from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import liberty_server

    return Liberty(liberty_server(options))


def _was(options: Dict[str, Any]) -> AppServer:
    from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was import Was
    from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_options import WasOptions

    return Was(WasOptions.of(options))


#: each kind has its own part of `relmgmt_websphere`, under its own name
KINDS: Dict[str, Callable[[Dict[str, Any]], AppServer]] = {"liberty": _liberty, "was": _was}


def load_adapters() -> None:
    """Import every adapter: for a process that outlives the file that its module came in (T39)."""
    from ansible_collections.relmgmt.release.plugins.module_utils._appservers import (  # noqa: F401
        liberty,
        liberty_server,
        was,
        was_options,
    )


def app_server(websphere: Dict[str, Any]) -> AppServer:
    """The server of `relmgmt_websphere`: its kind says which adapter. To be closed after use."""
    return opened(KINDS, websphere)
