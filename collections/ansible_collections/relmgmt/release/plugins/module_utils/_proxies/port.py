# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollout needs of a proxy before application servers, whichever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Dict

from ansible_collections.relmgmt.release.plugins.module_utils._core.proxy_state import Member


class Proxy(ABC):
    """One proxy and one group of servers behind it. Errors are ProxyError or InvalidInput with place and cure."""

    place: str  # the file or socket, as messages name it
    can_close: bool  # whether it knows the state CLOSING

    @abstractmethod
    def look(self) -> Dict[str, Member]:
        """The servers by the proxy's own names: observed, never assumed."""

    @abstractmethod
    def set_state(self, name: str, state: str) -> None:
        """Make a server SERVING, CLOSING or DRAINED; returns when the proxy works by it, idempotent."""

    @abstractmethod
    def busy(self, name: str) -> int:
        """Requests, or where a proxy cannot tell them connections, that it still holds to a server."""

    @abstractmethod
    def affinity(self) -> bool:
        """Whether a session's requests go to the server that answered it last, as long as that serves."""
