# SPDX-License-Identifier: GPL-3.0-or-later
"""A Liberty server from outside: where it lies, whether it runs and answers, and how it is started anew."""

from __future__ import annotations

import http.client
import os
import re
import secrets
import subprocess
import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import RUNNING, STOPPED, UNKNOWN
from ansible_collections.relmgmt.release.plugins.module_utils._commands import run_detached
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError, InvalidInput

_STATUS_SECONDS = 60
_RESTART_SECONDS = 120  # beside start_timeout: the stop alone may quiesce for 30
_ANSWER_SECONDS = 10
_NO_CONTEXT_ROOT = b"CONTEXT_ROOT_NOT_FOUND"  # in the page that Liberty itself serves, in every language
_PAGE_LIMIT = 1 << 16
_STATUS_STATES = {0: RUNNING, 1: STOPPED}
_NO_SERVER = 2
_DONE_OR_REDUNDANT = (0, 1)
_OK, _NOT_FOUND = 200, 404
_STARTED = 19  # of /proc/PID/stat after the name: clock ticks from the boot to the start
# What bin/server works out at every start; of the options it would make longer ones each time.
_OF_THE_SCRIPT = re.compile(r"\A(?:X_.*|IBM_JAVA_OPTIONS|OPENJ9_JAVA_OPTIONS|LOG_DIR|INVOKED)\Z")


class Admin(NamedTuple):
    """The HTTPS address of the server, a user who may administer it, and where that user's password lies.

    `password_file` is readable by its owner alone; `ca_file`: PEM of who signed the server's certificate,
    empty for the authorities that the host trusts.
    """

    url: str
    user: str
    password_file: str
    ca_file: str


class LibertyServer(NamedTuple):
    """Where a server lies; url is its own address, start_timeout in seconds.

    `update_trigger` and `placement` are "auto" where the server's own files say it. `restart_command` is empty
    where bin/server is right. `admin`: how restConnector is reached, None if it is not.
    """

    name: str
    install_dir: str
    user_dir: str
    java_home: str
    url: str
    start_timeout: int
    log: str
    health_path: str = ""
    update_trigger: str = "auto"
    placement: str = "auto"
    may_restart: bool = False
    restart_command: Tuple[str, ...] = ()
    admin: Optional[Admin] = None

    @property
    def command(self) -> str:
        return os.path.join(self.install_dir, "bin", "server")

    @property
    def config_dir(self) -> str:
        return os.path.join(self.user_dir, "servers", self.name)

    @property
    def overrides(self) -> str:
        return os.path.join(self.config_dir, "configDropins", "overrides")

    def state(self) -> str:
        """RUNNING, STOPPED or UNKNOWN: its process is there, or else as `server status` says, which is slow."""
        if self._pid() is not None:
            return RUNNING
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

    def healthy(self) -> bool:
        """Does the health endpoint answer with status 200?"""
        answer = _get(self.url, self.health_path)
        return answer is not None and answer[0] == _OK

    def jvm_options(self) -> Optional[List[str]]:
        """The arguments that the running process was started with; None when it cannot be seen."""
        words = self._of_process("cmdline")
        return None if words is None else words[1:]

    def started_at(self) -> Optional[float]:
        """When the running process was started, seconds of the epoch by today's clock; None when it cannot be seen."""
        pid = self._pid() or self._find()
        try:
            with open("/proc/%s/stat" % pid, encoding="utf-8", errors="replace") as stream:
                # The second field, the name of the program, may hold anything.
                started = int(stream.read().rpartition(")")[2].split()[_STARTED])
        except (OSError, ValueError, IndexError):
            return None
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + started / os.sysconf("SC_CLK_TCK")

    def restart(self) -> None:
        """Stop and start the server; what its process was started with in its environment stays."""
        deadline = time.monotonic() + self.start_timeout + _RESTART_SECONDS
        if self.restart_command:
            self._run(self.restart_command, deadline, (0,), None)
            return
        self._require_own()
        environment = self._environment_of_process()
        self._run((self.command, "stop", self.name), deadline, _DONE_OR_REDUNDANT, environment)
        self._run((self.command, "start", self.name), deadline, _DONE_OR_REDUNDANT, environment)

    def _run(
        self, command: Tuple[str, ...], deadline: float, good: Tuple[int, ...], environment: Optional[Dict[str, str]]
    ) -> None:
        ended = run_detached(command, deadline, "correct relmgmt_websphere.liberty.restart_command", environment)
        if ended.code not in good:
            how = "did not end in time" if ended.code is None else "ended with %d" % ended.code
            cure = "see its output and %s, start the server, then run the phase again" % self.log
            message = "the restart failed: the command %s" % how
            raise AppServerError(message, " ".join(command), cure, output=ended.output)

    def _require_own(self) -> None:
        """A process of another user is not started anew as this one: its files would change hands."""
        cure = "name a command that does it: relmgmt_websphere.liberty.restart_command"
        pid = self._pid()
        if pid is None and self.state() != STOPPED:
            message = "the server runs, but not as its own script has noted (under a service manager?)"
            raise AppServerError(message, self.config_dir, cure)
        place = self.config_dir if pid is None else "/proc/%d" % pid
        try:
            owner = os.stat(place).st_uid
        except FileNotFoundError:
            return
        if owner != os.geteuid() and (pid is not None or os.geteuid() == 0):
            raise AppServerError("the server runs as another user (%d)" % owner, place, cure)

    def _environment(self) -> Dict[str, str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WLP_")}
        environment["WLP_USER_DIR"] = self.user_dir
        if self.java_home:
            environment["JAVA_HOME"] = self.java_home
        return environment

    def _environment_of_process(self) -> Dict[str, str]:
        words = self._of_process("environ")
        if words is None:
            return self._environment()
        pairs = [word.partition("=") for word in words]
        found = {name: value for name, mark, value in pairs if mark and not _OF_THE_SCRIPT.match(name)}
        found["WLP_USER_DIR"] = self.user_dir
        if self.java_home:
            found["JAVA_HOME"] = self.java_home
        return found

    def _of_process(self, file: str) -> Optional[List[str]]:
        pid = self._pid()
        return None if pid is None else _words(pid, file)

    def _pid(self) -> Optional[int]:
        """The server's process, as the server script has noted it, if that is what runs under that number."""
        try:
            with open(os.path.join(self.user_dir, "servers", ".pid", self.name + ".pid"), encoding="ascii") as stream:
                pid = int(stream.read())
        except (OSError, ValueError):
            return None
        return pid if self._is_server(pid) else None

    def _is_server(self, pid: int) -> bool:
        words = _words(pid, "cmdline") or []
        is_server = self.name in words and any(word.endswith("/ws-server.jar") for word in words)
        return is_server and self._works_in(pid)

    def _find(self) -> Optional[int]:
        """The server's process, started by another one than the server script (a service manager)."""
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        return next((pid for pid in pids if self._is_server(pid)), None)

    def _works_in(self, pid: int) -> bool:
        """Does the process work in this server's directory, not in that of another one of the same name?"""
        try:
            return os.readlink("/proc/%d/cwd" % pid) == os.path.realpath(self.config_dir)
        except PermissionError:
            return True  # another user's: the note and the arguments must do
        except OSError:
            return False


def _words(pid: int, file: str) -> Optional[List[str]]:
    """The words of /proc/PID/FILE; None when there is no such process or it may not be read."""
    try:
        with open("/proc/%d/%s" % (pid, file), "rb") as stream:
            words = stream.read().decode("utf-8", "surrogateescape").split("\0")
    except OSError:
        return None
    return [word for word in words if word]


def liberty_server(options: Dict[str, Any]) -> LibertyServer:
    """The server of an inventory's relmgmt_websphere.liberty."""
    user_dir = options.get("user_dir") or os.path.join(options["install_dir"], "usr")
    name = options["server"]
    log = options.get("log") or os.path.join(user_dir, "servers", name, "logs", "messages.log")
    admin = options.get("admin")
    return LibertyServer(
        name=name,
        install_dir=options["install_dir"],
        user_dir=user_dir,
        java_home=options.get("java_home") or "",
        url=options["url"],
        start_timeout=int(options.get("start_timeout") or 120),
        log=log,
        health_path=options.get("health_path") or "",
        update_trigger=options.get("update_trigger") or "auto",
        placement=options.get("placement") or "auto",
        may_restart=bool(options.get("may_restart")),
        restart_command=tuple(options.get("restart_command") or ()),
        admin=Admin(admin["url"], admin["user"], admin["password_file"], admin.get("ca_file") or "") if admin else None,
    )


def serves(url: str, context_root: str) -> bool:
    """Does an application answer on its context root? The server's own "no such context root" is a no."""
    nowhere = "/relmgmt-%s/" % secrets.token_hex(8)
    # At "/" the server has a page of its own where no application is: there a path that no other one has is asked for.
    answer = _get(url, nowhere if context_root == "/" else context_root + "/")
    if answer is None:
        return False
    if answer[0] != _NOT_FOUND:
        return True  # 503 as well: the database is at rest while a release is deployed
    if _NO_CONTEXT_ROOT in answer[1]:
        return False
    # A hardened server has a text of its own for "no such context root".
    return context_root == "/" or answer != _get(url, nowhere)


def _get(url: str, path: str) -> Optional[Tuple[int, bytes]]:
    """Status and the page's beginning; None when nobody answers."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        cure = "give http://HOST:PORT"
        raise InvalidInput("not an address of a server: %r" % url, "relmgmt_websphere.liberty.url", cure)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read(_PAGE_LIMIT)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
