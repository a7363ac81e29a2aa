# SPDX-License-Identifier: GPL-3.0-or-later
"""A Liberty server from outside: where it lies, whether it runs, whether it answers."""

from __future__ import annotations

import http.client
import os
import subprocess
from typing import Any, Dict, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import RUNNING, STOPPED, UNKNOWN
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError, InvalidInput

_STATUS_SECONDS = 60
_ANSWER_SECONDS = 10
_NO_CONTEXT_ROOT = b"CONTEXT_ROOT_NOT_FOUND"  # in the page that Liberty itself serves, in every language
_PAGE_LIMIT = 1 << 16
_STATUS_STATES = {0: RUNNING, 1: STOPPED}
_NO_SERVER = 2


class LibertyServer(NamedTuple):
    """Where a server lies; url is its own address, start_timeout in seconds."""

    name: str
    install_dir: str
    user_dir: str
    java_home: str
    url: str
    start_timeout: int
    log: str

    @property
    def command(self) -> str:
        return os.path.join(self.install_dir, "bin", "server")

    @property
    def config_dir(self) -> str:
        return os.path.join(self.user_dir, "servers", self.name)

    def state(self) -> str:
        """RUNNING, STOPPED or UNKNOWN, as `server status` says."""
        try:
            done = subprocess.run(
                [self.command, "status", self.name],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_STATUS_SECONDS,
                check=False,
            )
        except OSError as error:
            message = "Liberty's server command cannot be run: %s" % error.strerror
            raise AppServerError(message, self.command, "correct install_dir in relmgmt_websphere") from error
        except subprocess.TimeoutExpired:
            return UNKNOWN
        if done.returncode == _NO_SERVER:
            message = "there is no server %s" % self.name
            raise AppServerError(message, self.config_dir, "create it, or correct relmgmt_websphere")
        return _STATUS_STATES.get(done.returncode, UNKNOWN)

    def _environment(self) -> Dict[str, str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WLP_")}
        environment["WLP_USER_DIR"] = self.user_dir
        if self.java_home:
            environment["JAVA_HOME"] = self.java_home
        return environment


def liberty_server(options: Dict[str, Any]) -> LibertyServer:
    """The server of an inventory's relmgmt_websphere.liberty."""
    user_dir = options.get("user_dir") or os.path.join(options["install_dir"], "usr")
    name = options["server"]
    log = options.get("log") or os.path.join(user_dir, "servers", name, "logs", "messages.log")
    return LibertyServer(
        name=name,
        install_dir=options["install_dir"],
        user_dir=user_dir,
        java_home=options.get("java_home") or "",
        url=options["url"],
        start_timeout=int(options.get("start_timeout") or 120),
        log=log,
    )


def serves(url: str, context_root: str) -> bool:
    """Does an application answer on its context root? The server's own "no such context root" is a no."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput("not an address of a server: %r" % url, "relmgmt_websphere.liberty.url", "give http://HOST:PORT")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", context_root.rstrip("/") + "/", headers={"Connection": "close"})
        answer = connection.getresponse()
        page = answer.read(_PAGE_LIMIT)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    # An answer of 503 is an answer: the database is at rest while a release is deployed.
    return not (answer.status == 404 and _NO_CONTEXT_ROOT in page)
