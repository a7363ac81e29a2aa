# SPDX-License-Identifier: GPL-3.0-or-later
"""One sshd a host, on its own loopback port with its own host key; one client key for all."""
from __future__ import annotations

import os
import pwd
import signal
from pathlib import Path

from . import ports as port_numbers
from . import processes
from .debian import Programs
from .errors import SandboxError
from .layout import DROP, MARK, Layout, write

# Bash that sshd starts as the outermost shell reads ~/.bashrc; a user's may wait for a lock, or print.
NO_BASHRC = "SHLVL=1"
CONFIG = """ListenAddress 127.0.0.1:{port}
HostKey {directory}/host_key
AuthorizedKeysFile {client_key}.pub
PidFile none
StrictModes no
UsePAM {pam}
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AcceptEnv LANG LC_*
SetEnv "{mark}={root}" {no_bashrc}
MaxStartups 100
MaxSessions 100
PrintMotd no
Subsystem sftp internal-sftp{start}
{session}"""


def prepare(layout: Layout, ports: dict[str, int]) -> None:
    """Keys and known_hosts; keys are made once."""
    layout.ssh.mkdir(parents=True, exist_ok=True)
    layout.ssh.chmod(0o700)
    _make_key(client_key(layout), "relmgmt sandbox")
    lines = []
    for host in layout.hosts:
        key = layout.host(host) / "ssh" / "host_key"
        key.parent.mkdir(parents=True, exist_ok=True)
        _make_key(key, host)
        public = key.with_suffix(".pub").read_text(encoding="utf-8").split()[:2]
        lines.append(f"[127.0.0.1]:{ports[f'ssh_{host}']} {' '.join(public)}\n")
    write(known_hosts(layout), "".join(lines))


def client_key(layout: Layout) -> Path:
    return layout.ssh / "id_ed25519"


def known_hosts(layout: Layout) -> Path:
    return layout.ssh / "known_hosts"


def _make_key(path: Path, comment: str) -> None:
    if not path.exists():
        processes.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])


def start(layout: Layout, host: str, programs: Programs, ports: dict[str, int]) -> bool:
    if not os.geteuid():
        _prepare_root()
    directory = layout.host(host) / "ssh"
    write(directory / "sshd_config", _config(layout, host, programs, ports[f"ssh_{host}"]))
    argv = [str(programs.sshd), "-D", "-e", "-f", str(directory / "sshd_config")]
    environment = layout.environment(LD_LIBRARY_PATH=programs.libraries)
    started = processes.start("sshd", argv, environment, directory, layout.host(host))
    port = ports[f"ssh_{host}"]
    processes.wait_until(lambda: port_numbers.answers(port), f"sshd of {host}", directory / "sshd.log")
    return started


def _config(layout: Layout, host: str, programs: Programs, port: int) -> str:
    # OpenSSH 9.8 and newer run a second program whose path is compiled in.
    session = programs.sshd.parents[1] / "lib" / "openssh" / "sshd-session"
    return CONFIG.format(
        port=port, directory=layout.host(host) / "ssh", client_key=client_key(layout), mark=MARK, root=layout.root,
        no_bashrc=NO_BASHRC,
        pam="yes" if _locked() else "no",
        start=f" -d {layout.drop}" if host == DROP else "",
        session=f"SshdSessionPath {session}\n" if session.exists() else "",
    )


def _locked() -> bool:
    """Without PAM, sshd run by root refuses an account whose password is locked."""
    if os.geteuid():
        return False
    shadow = Path("/etc/shadow").read_text(encoding="utf-8").splitlines()
    return any(line.startswith("root:!") for line in shadow)


def _prepare_root() -> None:
    """What openssh-server's own installation would do: sshd run by root insists on both."""
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    try:
        pwd.getpwnam("sshd")
    except KeyError:
        processes.run(["useradd", "--system", "--no-create-home", "--home-dir", "/run/sshd",
                       "--shell", "/usr/sbin/nologin", "sshd"])


def is_running(layout: Layout, host: str) -> bool:
    return bool(processes.running(layout.host(host) / "ssh" / "sshd.pid"))


def stop(layout: Layout, host: str) -> bool:
    """End the listener and its sessions, as a cut cable would; what the sessions started is left to run."""
    if host not in layout.hosts:
        raise SandboxError(f"no host {host} in this sandbox", f"one of {', '.join(layout.hosts)}")
    pid_file = layout.host(host) / "ssh" / "sshd.pid"
    listener = processes.running(pid_file)
    if not listener:
        return False
    os.kill(listener, signal.SIGSTOP)
    sessions = [pid for pid in _descendants(listener) if processes.command_name(pid).startswith("sshd")]
    processes.end([listener, *sessions], signal.SIGKILL)
    pid_file.unlink(missing_ok=True)
    return True


def _descendants(pid: int) -> list[int]:
    found = processes.children(pid)
    return found + [lower for child in found for lower in _descendants(child)]
