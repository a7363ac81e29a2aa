# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes and servers that an application lies on, as the cell sees them."""

from __future__ import annotations

from typing import Any, Dict, List

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_options import Place, WasOptions
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_session import WasSession

BASE, MANAGER = "UnManagedProcess", "DeploymentManager"


class RolloutView:
    """``places`` are the servers of the application."""

    def __init__(self, wsadmin: WasSession, places: List[Place]) -> None:
        self._session = wsadmin
        self._options: WasOptions = wsadmin.options
        self.places = places

    def nodes(self) -> List[Dict[str, Any]]:
        """Every node that the application or its web servers lie on, as the cell sees it; none without nodes."""
        connected = self._session.connect()
        if connected.process == BASE:
            return []
        wanted = list(dict.fromkeys(place.node for place in (*self.places, *self._options.web_servers)))
        return list(self._session.request("nodes", cell=connected.cell, nodes=wanted)["nodes"])

    def servers(self, application: str) -> List[Dict[str, Any]]:
        """Every server: configured, running, started (the application on it)."""
        named = [place._asdict() for place in self.places]
        cell = self._session.connect().cell
        return list(self._session.request("servers", cell=cell, servers=named, application=application)["servers"])

    def in_sync(self) -> bool:
        """Whether every node that is managed holds the master configuration."""
        return all(node["synchronized"] == "true" for node in self.nodes() if node["managed"])
