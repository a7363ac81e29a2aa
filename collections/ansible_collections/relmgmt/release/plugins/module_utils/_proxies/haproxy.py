# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy through its stats socket; nothing of its configuration is written."""

from __future__ import annotations

import socket
from typing import Any, Dict

from ansible_collections.relmgmt.release.plugins.module_utils._core.haproxy_stat import (
    Server,
    being_closed,
    has_cookie,
    has_table,
    servers,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.proxy_state import (
    CLOSING,
    DRAINED,
    SERVING,
    Member,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput, ProxyError
from ansible_collections.relmgmt.release.plugins.module_utils._proxies.port import Proxy

_ANSWER_SECONDS = 10
_ANSWER_LIMIT = 1 << 24
# `drain` still sends a server the requests of sessions that are bound to it; `maint` gives them to another server and
# lets those that are under way end.
_WORDS = {SERVING: "ready", CLOSING: "drain", DRAINED: "maint"}


class HAProxy(Proxy):
    """A backend of one HAProxy process."""

    can_close = True

    def __init__(self, options: Dict[str, Any]) -> None:
        self.place = options["socket"]
        self.backend = options["backend"]

    def look(self) -> Dict[str, Member]:
        found = {name: server.member for name, server in self._servers().items()}
        closing = being_closed(self._ask("show servers state %s" % self.backend), self.backend)
        return {name: member._replace(state=CLOSING) if name in closing and member.state == SERVING else member
                for name, member in found.items()}

    def set_state(self, name: str, state: str) -> None:
        answer = self._ask("set server %s/%s state %s" % (self.backend, name, _WORDS[state])).strip()
        if answer:
            raise ProxyError(
                "HAProxy does not make %s/%s %s: %s" % (self.backend, name, _WORDS[state], answer), self.place,
                "give the socket the level admin in HAProxy's global section",
            )

    def busy(self, name: str) -> int:
        return self._servers()[name].sessions

    def affinity(self) -> bool:
        return has_cookie(self._ask("show stat"), self.backend) or has_table(self._ask("show table"), self.backend)

    def _servers(self) -> Dict[str, Server]:
        found = servers(self._ask("show stat"), self.backend)
        if not found:
            raise InvalidInput("there is no backend %s" % self.backend, self.place, "correct backend in relmgmt_proxy")
        return found

    def _ask(self, command: str) -> str:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(_ANSWER_SECONDS)
                connection.connect(self.place)
                connection.sendall(command.encode() + b"\n")
                return _everything(connection).decode("utf-8", "replace")
        except OSError as error:
            raise ProxyError(
                "HAProxy's stats socket does not answer: %s" % (error.strerror or error), self.place,
                "start HAProxy, or correct socket in relmgmt_proxy",
            ) from error


def _everything(connection: socket.socket) -> bytes:
    answer = b""
    while len(answer) < _ANSWER_LIMIT:
        part = connection.recv(1 << 16)
        if not part:
            break
        answer += part
    return answer
