# SPDX-License-Identifier: GPL-3.0-or-later
"""A real OpenSSH server for tests: unpacked from Debian's packages, nothing installed.

Where the machine has none, Debian's packages are unpacked once into the cache (``RELMGMT_CACHE``, else .cache).
"""

from __future__ import annotations

import getpass
import os
import pathlib
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass

from programs import programs
from relmgmt_sandbox.ssh import NO_BASHRC


@dataclass
class Sshd:
    """A running server and what a client needs to reach it."""

    host: str
    port: int
    user: str
    private_key: str
    known_hosts: str
    process: subprocess.Popen[bytes]

    def sessions(self) -> list[int]:
        """Process numbers of the children that serve connections, and of their children."""
        found, parents = [], [self.process.pid]
        while parents:
            listed = subprocess.run(
                ["ps", "-o", "pid=", "--ppid", ",".join(map(str, parents))],
                capture_output=True, text=True, check=False,
            ).stdout.split()
            parents = [int(pid) for pid in listed]
            found += parents
        return found

    def stop(self) -> None:
        """End the server and wait for it."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)


def start_sshd(directory: str | os.PathLike[str], sftp: str | None = None) -> Sshd:
    """Start a server on a free port of 127.0.0.1 with fresh keys; its files lie in ``directory``.

    ``sftp``: another command for the SFTP subsystem than OpenSSH's own server.
    """
    place, unpacked = pathlib.Path(directory), programs().sshd.parents[2]
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("host_key", "user_key"):
        if not (place / name).exists():
            _call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / name))
    shutil.copyfile(place / "user_key.pub", place / "authorized_keys")
    os.chmod(place / "authorized_keys", 0o600)
    port = _free_port()
    (place / "sshd_config").write_text(_config(place, unpacked, port, sftp))
    kind, key = (place / "host_key.pub").read_text().split()[:2]
    (place / "known_hosts").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
    with open(place / "sshd.log", "ab") as log:
        process = subprocess.Popen(
            [*_with_privilege_separation_user(place),
             str(unpacked / "usr/sbin/sshd"), "-D", "-e", "-f", str(place / "sshd_config")],
            env=dict(os.environ),
            stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )
    server = Sshd("127.0.0.1", port, getpass.getuser(), str(place / "user_key"),
                  str(place / "known_hosts"), process)
    _wait_until_listening(server, place / "sshd.log")
    return server


def sftp_server() -> pathlib.Path:
    """OpenSSH's SFTP server, beside sshd."""
    return programs().sshd.parents[2] / "usr/lib/openssh/sftp-server"


def _config(place: pathlib.Path, unpacked: pathlib.Path, port: int, sftp: str | None) -> str:
    return "\n".join([
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {place}/host_key",
        f"PidFile {place}/sshd.pid",
        f"AuthorizedKeysFile {place}/authorized_keys",
        "PasswordAuthentication no",
        "PermitRootLogin prohibit-password",
        "StrictModes no",
        "UsePAM no",
        f"SetEnv {NO_BASHRC}",
        f"Subsystem sftp {sftp or sftp_server()}",
        "",
    ])


def _with_privilege_separation_user(place: pathlib.Path) -> list[str]:
    """As root sshd wants a user ``sshd``: shown to it in a mount namespace of its own, not created."""
    if os.geteuid() != 0:
        return []
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    accounts = pathlib.Path("/etc/passwd").read_text()
    if any(line.startswith("sshd:") for line in accounts.splitlines()):
        return []
    (place / "passwd").write_text(accounts.rstrip("\n") + "\nsshd:x:65534:65534::/run/sshd:/usr/sbin/nologin\n")
    bind = f'mount --bind "{place}/passwd" /etc/passwd && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", bind, "sh"]


def _wait_until_listening(server: Sshd, log: pathlib.Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and server.process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((server.host, server.port)) == 0:
                return
        time.sleep(0.05)
    server.stop()
    raise RuntimeError(f"sshd does not listen; {log}:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _call(*command: str, cwd: pathlib.Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()[-1000:]}")
