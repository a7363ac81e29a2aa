# SPDX-License-Identifier: GPL-3.0-or-later
"""The drop over SFTP: ``RemoteFiles`` spoken with paramiko.

The server must be in the given known_hosts file; an unknown or another key is refused. Keys
come from the given file only, never from an agent or a home directory.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError, InvalidInput
from ansible_collections.relmgmt.release.plugins.plugin_utils.remote_files import CHUNK

try:
    import paramiko
    from paramiko.sftp import CMD_EXTENDED, CMD_EXTENDED_REPLY
except ImportError as missing:
    PARAMIKO_MISSING: ImportError | None = missing
else:
    PARAMIKO_MISSING = None

_SETTINGS = "check relmgmt_drop: host, port, user, private_key and known_hosts, and that the server runs"
_AGAIN = "deliver again: what has arrived is kept"
_FULL = f"{_AGAIN}; if it happens again, see whether the drop is full or over its quota"
_PARALLEL_READS = 64

# The options of a drop, for the actions that deliver into one.
DROP_OPTIONS: dict[str, Any] = {
    "type": "dict",
    "required": True,
    "options": {
        "method": {"type": "str", "choices": ["path", "sftp"], "default": "sftp"},
        "host": {"type": "str", "required": True},
        "port": {"type": "int", "default": 22},
        "user": {"type": "str", "required": True},
        "private_key": {"type": "path", "required": True, "no_log": False},
        "known_hosts": {"type": "path", "required": True},
        "path": {"type": "str", "required": True},
    },
}


@contextmanager
def open_drop(drop: Mapping[str, Any], timeout: float) -> Iterator[SftpFiles]:
    """Connect to the drop; ``timeout``: seconds for the connection and for each answer."""
    check_drop(drop)
    where = f"sftp://{drop['user']}@{drop['host']}:{drop.get('port') or 22}"
    with paramiko.SSHClient() as client:
        _connect(client, drop, where, timeout)
        with _translated(where, _SETTINGS):
            transport = client.get_transport()
            if transport is None:
                raise EOFError
            session = _begin(transport, timeout)
        yield SftpFiles(session, where, _server(transport, drop))


def _begin(transport: paramiko.Transport, timeout: float) -> paramiko.SFTPClient:
    """The SFTP session; SSHClient.open_sftp would wait for the server's first word without end."""
    channel = transport.open_session(timeout=timeout)
    channel.settimeout(timeout)
    channel.invoke_subsystem("sftp")
    return paramiko.SFTPClient(channel)


def _server(transport: paramiko.Transport, drop: Mapping[str, Any]) -> dict[str, str]:
    """Who answered: address, user, and the host key that was checked."""
    key = transport.get_remote_server_key()
    return {
        "server": f"{drop['host']}:{drop.get('port') or 22}",
        "user": str(drop["user"]),
        "host_key": f"{key.get_name()} {key.fingerprint}",
    }


def check_drop(drop: Mapping[str, Any]) -> None:
    """Refuse a drop that cannot be meant, before anything is connected."""
    if PARAMIKO_MISSING is not None:
        raise InvalidInput(
            f"delivery needs paramiko on the controller: {PARAMIKO_MISSING}", "",
            "pip install paramiko",
        )
    for key in ("host", "user", "private_key", "known_hosts", "path"):
        if not drop.get(key):
            raise InvalidInput(f"the drop has no {key}", "relmgmt_drop", "add it to the inventory")
    if not str(drop["path"]).startswith("/"):
        raise InvalidInput("the drop's path is not absolute", str(drop["path"]), "start it with /")


def _connect(client: paramiko.SSHClient, drop: Mapping[str, Any], where: str, timeout: float) -> None:
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    try:
        client.load_host_keys(str(drop["known_hosts"]))
    except OSError as error:
        raise InvalidInput(
            f"known_hosts cannot be read: {error.strerror}", str(drop["known_hosts"]), _SETTINGS
        ) from error
    with _translated(where, _SETTINGS):
        client.connect(
            str(drop["host"]), port=int(drop.get("port") or 22), username=str(drop["user"]),
            key_filename=str(drop["private_key"]), allow_agent=False, look_for_keys=False,
            timeout=timeout, banner_timeout=timeout, auth_timeout=timeout,
        )


class SftpFiles:
    """The drop's files over one SFTP session (``RemoteFiles``).

    ``server``: who answered, as receipts say it. ``touched``: something was created, changed or removed.
    """

    def __init__(self, session: paramiko.SFTPClient, where: str, server: Mapping[str, str]) -> None:
        self._session = session
        self._where = where
        self.server = dict(server)
        self.touched = False

    def place(self, path: str) -> str:
        return self._where + path

    def size(self, path: str) -> int | None:
        with _translated(self.place(path), _AGAIN):
            try:
                found = self._session.lstat(path)
            except FileNotFoundError:
                return None
        if not stat.S_ISREG(found.st_mode or 0) or found.st_size is None:
            raise DeliveryError(
                "something that is no plain file has the name of one", self.place(path),
                "find out who put it there, remove it, and deliver again",
            )
        return found.st_size

    def free(self, directory: str) -> int | None:
        session: Any = self._session
        with _translated(self.place(directory), _AGAIN):
            try:
                kind, answer = session._request(CMD_EXTENDED, "statvfs@openssh.com", directory)
            except TimeoutError:
                raise
            except OSError:
                return None  # the server does not know the request, or there is no such directory
            if kind != CMD_EXTENDED_REPLY:
                return None
            block, unit, blocks, _bfree, available = (answer.get_int64() for _field in range(5))
            return int((unit or block) * available) if blocks else None

    def chunks(self, path: str, start: int = 0) -> Iterator[bytes]:
        with _translated(self.place(path), _AGAIN), self._session.open(path, "rb") as stream:
            stream.seek(start)
            stream.prefetch(stream.stat().st_size, _PARALLEL_READS)
            while chunk := stream.read(CHUNK):
                yield chunk

    def names(self, directory: str) -> list[str]:
        with _translated(self.place(directory), _AGAIN):
            try:
                return sorted(self._session.listdir(directory))
            except FileNotFoundError:
                return []

    def make_directory(self, path: str) -> None:
        with _translated(self.place(path), "check that the drop's directory exists and may be written"):
            try:
                self._session.mkdir(path)
                self.touched = True
            except OSError:
                # SFTP has no own status for "exists"; another delivery may also have been faster.
                if not stat.S_ISDIR(self._session.lstat(path).st_mode or 0):
                    raise

    def store(self, path: str, chunks: Iterable[bytes], start: int = 0) -> None:
        with _translated(self.place(path), _FULL):
            try:
                with self._session.open(path, "r+" if start else "wx") as stream:
                    self.touched = True
                    stream.seek(start)
                    stream.set_pipelined(True)
                    for chunk in chunks:
                        stream.write(chunk)
                    stream.flush()
                    self._hear(stream)
                    self._sync(stream)
            except TimeoutError:
                # What is asked for now would be carried out when the line is back, with nobody to see it.
                self._session.close()
                raise

    def _hear(self, stream: paramiko.SFTPFile) -> None:
        """Wait for the answer to every write: paramiko drops a refusal that comes with another request's answer."""
        waiting: Any = stream
        session: Any = self._session
        while waiting._reqs:
            session._read_response(waiting._reqs.popleft())

    def _sync(self, stream: paramiko.SFTPFile) -> None:
        """Sync the file where the server knows how; paramiko has no call of its own for it."""
        stream.set_pipelined(False)
        session: Any = self._session
        try:
            session._request(CMD_EXTENDED, "fsync@openssh.com", stream.handle)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EIO):
                raise  # any other answer means that the server does not know the request

    def rename(self, old: str, new: str) -> None:
        # The plain request fails when the target exists; posix-rename would replace it.
        cure = "if something has that name, find out who put it there; otherwise deliver again"
        with _translated(self.place(new), cure):
            self._session.rename(old, new)
            self.touched = True

    def remove(self, path: str) -> None:
        with _translated(self.place(path), _AGAIN):
            try:
                self._session.remove(path)
                self.touched = True
            except FileNotFoundError:
                return


@contextmanager
def _translated(place: str, cure: str) -> Iterator[None]:
    """Turn what paramiko raises into a DeliveryError."""
    try:
        yield
    except paramiko.BadHostKeyException as error:
        raise DeliveryError(
            f"the drop shows another host key than known_hosts has ({error.key.get_name()})", place,
            "do not go on before the server's owner has confirmed its new key; then correct known_hosts",
        ) from error
    except (paramiko.SSHException, paramiko.SFTPError, OSError, EOFError) as error:
        raise DeliveryError(f"SFTP failed: {_words(error)}", place, cure) from error


def _words(error: Exception) -> str:
    text = str(error).strip()
    silent = {"EOFError": "the connection was cut", "TimeoutError": "the server does not answer"}
    return text or silent.get(type(error).__name__, type(error).__name__)
