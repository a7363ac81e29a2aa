# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx through a file of an upstream's servers, tested before it is loaded."""

from __future__ import annotations

import os
import subprocess
from typing import Any, Dict, List, Set

from ansible_collections.relmgmt.release.plugins.module_utils._backup.lock import alone
from ansible_collections.relmgmt.release.plugins.module_utils._core.nginx_members import (
    keeps_sessions,
    read_members,
    upstreams_of,
    with_member,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.proxy_state import (
    DRAINED,
    SERVING,
    Member,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import ProxyError
from ansible_collections.relmgmt.release.plugins.module_utils._files import replace_durably
from ansible_collections.relmgmt.release.plugins.module_utils._proxies.connections import open_connections
from ansible_collections.relmgmt.release.plugins.module_utils._proxies.nginx_process import (
    leaving_workers,
    master_of,
    wait_for_new,
    workers,
)
from ansible_collections.relmgmt.release.plugins.module_utils._proxies.port import Proxy

_COMMAND_SECONDS = 60
_RELOAD_SECONDS = 30
_TURN_SECONDS = 120  # another server's turn at the file
_HTTP = 80
# Start times of processes are told in hundredths of a second.
_GRAIN_SECONDS = 0.05


class Nginx(Proxy):
    """One upstream of one nginx."""

    can_close = False

    def __init__(self, options: Dict[str, Any]) -> None:
        # A link is followed: the rename must not replace it.
        self.place = os.path.realpath(options["members_file"])
        self.command: List[str] = list(options["command"])
        self.reload_command: List[str] = list(options.get("reload") or [*self.command, "-s", "reload"])
        self.pid_file: str = options["pid_file"]

    def look(self) -> Dict[str, Member]:
        in_force = self._is_loaded()
        return {address: Member(DRAINED if down else SERVING, in_force)
                for address, down in read_members(self._text(), self.place).items()}

    def set_state(self, name: str, state: str) -> None:
        # nginx has one file for all: two servers of a batch must not take each other's change away.
        with alone(os.path.dirname(self.place), "changes the servers of nginx", _TURN_SECONDS):
            before = self._text()
            after = with_member(before, name, state == DRAINED)
            master = self._master()
            if after == before:
                self._await_new(master, self._reload(master))
            else:
                self._replace(before, after, master)

    def busy(self, name: str) -> int:
        """Connections to the server, and old workers: one may still be reading a request that it will send there."""
        host, _colon, port = name.rpartition(":")
        if not port.isdigit():
            host, port = name, str(_HTTP)
        return open_connections(host.strip("[]"), int(port)) + leaving_workers(master_of(self.pid_file))

    def affinity(self) -> bool:
        return keeps_sessions(self._upstreams())

    def _replace(self, before: str, after: str, master: int) -> None:
        """Write the file and load it; one that nginx does not load must not wait for somebody else's reload."""
        old = os.stat(self.place)
        self._write(after)
        try:
            self._upstreams()
            workers_before = self._reload(master)
        except ProxyError:
            self._write(before)
            os.utime(self.place, ns=(old.st_atime_ns, old.st_mtime_ns))  # nginx still works by it
            raise
        try:
            self._await_new(master, workers_before)
        except ProxyError:
            self._write(before)
            raise

    def _upstreams(self) -> List[str]:
        """Test the configuration; the bodies of the upstreams with the servers of the file."""
        done = self._run([*self.command, "-T"], "nginx refuses its configuration")
        found = upstreams_of(done, os.path.basename(self.place), self._text())
        if not found:
            raise ProxyError(
                "no upstream of nginx has its servers from this file", self.place,
                "write 'include %s;' into the upstream (into http, if the file has the upstreams itself), or correct "
                "members_file in relmgmt_proxy" % self.place,
            )
        return found

    def _master(self) -> int:
        master = master_of(self.pid_file)
        if not master:
            raise ProxyError("nginx does not run", self.pid_file, "start it, or correct pid_file in relmgmt_proxy")
        return master

    def _reload(self, master: int) -> Set[int]:
        """Tell nginx to load its configuration; the workers until then."""
        old = set(workers(master))
        self._run(self.reload_command, "nginx does not reload")
        return old

    def _await_new(self, master: int, old: Set[int]) -> None:
        if not wait_for_new(master, old, _RELOAD_SECONDS):
            raise ProxyError(
                "nginx was told to reload, but its workers are the old ones after %d s" % _RELOAD_SECONDS,
                self.pid_file, "read nginx's error log",
            )

    def _is_loaded(self) -> bool:
        """The running workers have read the file as it is; one that does not run will read it when it starts."""
        began = workers(master_of(self.pid_file)).values()
        changed = os.stat(self.place).st_mtime
        return all(each > changed - _GRAIN_SECONDS for each in began)

    def _text(self) -> str:
        with open(self.place, encoding="utf-8", newline="") as stream:
            return stream.read()

    def _write(self, text: str) -> None:
        replace_durably(self.place, text.encode("utf-8"))

    def _run(self, command: List[str], failure: str) -> str:
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                timeout=_COMMAND_SECONDS, check=False,
            )
        except OSError as error:
            message = "%s: %s" % (failure, error.strerror)
            raise ProxyError(message, command[0], "correct command in relmgmt_proxy") from error
        except subprocess.TimeoutExpired as error:
            raise ProxyError("%s within %d s" % (failure, _COMMAND_SECONDS), command[0], "look at nginx") from error
        if done.returncode:
            told = done.stderr.decode("utf-8", "replace").strip()[-2000:]
            raise ProxyError("%s: %s" % (failure, told), self.place, "mend it; the file is as it was")
        return done.stdout.decode("utf-8", "replace")
