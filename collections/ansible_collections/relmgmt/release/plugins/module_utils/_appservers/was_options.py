# SPDX-License-Identifier: GPL-3.0-or-later
"""A cell, and where in it an application runs, as the inventory describes it."""

from __future__ import annotations

import os
import re
import stat
from typing import Any, List, Mapping, NamedTuple, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

NODES, SERVERS = "nodes", "servers"

_NAME = re.compile(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,255}\Z")
_CURE = "correct relmgmt_websphere.was"


class Place(NamedTuple):
    """A server: a node and a server of the same name are two things (T11)."""

    node: str
    server: str

    def __str__(self) -> str:
        return "%s/%s" % self


class WasOptions(NamedTuple):
    """``relmgmt_websphere.was``; times in seconds. The documentation is in the fragment ``websphere``."""

    profile: str
    cluster: str
    servers: Tuple[Place, ...]
    web_servers: Tuple[Place, ...]
    virtual_host: str
    username: str
    password_file: str
    host: str
    port: int
    rollout: str
    may_restart: bool
    connect_timeout: int
    request_timeout: int
    start_timeout: int

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "WasOptions":
        """From the inventory; refuses what cannot be, touches nothing."""
        options = cls(
            profile=str(given.get("profile") or ""),
            cluster=str(given.get("cluster") or ""),
            servers=_places(given.get("servers")),
            web_servers=_places(given.get("web_servers")),
            virtual_host=str(given.get("virtual_host") or "default_host"),
            username=str(given.get("username") or ""),
            password_file=str(given.get("password_file") or ""),
            host=str(given.get("host") or ""),
            port=int(given.get("port") or 0),
            rollout=str(given.get("rollout") or NODES),
            may_restart=bool(given.get("may_restart")),
            connect_timeout=int(given.get("connect_timeout") or 180),
            request_timeout=int(given.get("request_timeout") or 600),
            start_timeout=int(given.get("start_timeout") or 300),
        )
        options.check()
        return options

    @property
    def place(self) -> str:
        """What messages call the target."""
        return "cluster %s" % self.cluster if self.cluster else "server %s" % ", ".join(map(str, self.servers))

    @property
    def wsadmin(self) -> str:
        """The profile's own command: the one of the product's directory would need a profile's name."""
        return os.path.join(self.profile, "bin", "wsadmin.sh")

    @property
    def soap_properties(self) -> str:
        """The profile's own settings of the connection."""
        return os.path.join(self.profile, "properties", "soap.client.props")

    def password(self) -> str:
        """The password; it is in no option, so that neither ledger nor argument vector ever holds it."""
        if not self.password_file:
            return ""
        try:
            with open(self.password_file, encoding="utf-8") as stream:
                mode = os.fstat(stream.fileno()).st_mode
                password = stream.readline().rstrip("\r\n")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "not text"
            cure = "a file with one line, readable by the user of the playbook alone"
            raise InvalidInput("the password cannot be read: %s" % why, self.password_file, cure) from error
        if stat.S_IMODE(mode) & 0o077:
            cure = "chmod 600 %s" % self.password_file
            raise InvalidInput("others may read the password file", self.password_file, cure)
        return password

    def check(self) -> None:
        """Raise InvalidInput for options that cannot work; a name is never empty and never a pattern (T16)."""
        if bool(self.cluster) == bool(self.servers):
            raise InvalidInput("either a cluster or servers must be named", "relmgmt_websphere.was", _CURE)
        if self.rollout == SERVERS and not self.cluster:
            raise InvalidInput("rollout: servers is the product's own way with a cluster", self.place, _CURE)
        for path in (self.profile, self.password_file or "/"):
            if not os.path.isabs(path):
                raise InvalidInput("%r is not an absolute path" % path, self.place, _CURE)
        if bool(self.username) != bool(self.password_file):
            raise InvalidInput("username and password_file go together", self.place, _CURE)
        for name in self._names():
            if not _NAME.match(name):
                raise InvalidInput("not a name of a cell's object: %r" % name, self.place, _CURE)

    def _names(self) -> List[str]:
        places = [name for place in (*self.servers, *self.web_servers) for name in place]
        return [*places, self.virtual_host, *(name for name in (self.cluster, self.host) if name)]


def _places(given: Any) -> Tuple[Place, ...]:
    return tuple(Place(str(one["node"]), str(one["server"])) for one in given or [])
