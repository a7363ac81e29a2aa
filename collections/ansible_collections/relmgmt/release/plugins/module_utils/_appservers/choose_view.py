# SPDX-License-Identifier: GPL-3.0-or-later
"""The view of the application server that an inventory names.

Beside choose.py, so that a module which only looks neither carries nor compiles what changes a server.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, TypeVar

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import AppServerView
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

Opened = TypeVar("Opened", bound=AppServerView)
Openers = Mapping[str, Callable[[Dict[str, Any]], Opened]]


def _liberty(options: Dict[str, Any]) -> AppServerView:
    from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import liberty_server
    from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_view import LibertyView

    return LibertyView(liberty_server(options))


def _was(options: Dict[str, Any]) -> AppServerView:
    from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_options import WasOptions
    from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_view import WasView

    return WasView(WasOptions.of(options))


VIEWS: Openers[AppServerView] = {"liberty": _liberty, "was": _was}


def app_server_view(websphere: Dict[str, Any]) -> AppServerView:
    """The server of `relmgmt_websphere`, to be looked at. To be closed after use."""
    return opened(VIEWS, websphere)


def opened(openers: Openers[Opened], websphere: Dict[str, Any]) -> Opened:
    """What the kind's opener makes of its part of `relmgmt_websphere`; raises InvalidInput for another kind."""
    kind = websphere.get("kind", "liberty")
    if kind not in openers:
        cure = "use %s" % " or ".join(sorted(openers))
        raise InvalidInput("no adapter for %r" % kind, "relmgmt_websphere.kind", cure)
    return openers[kind](websphere[kind])
