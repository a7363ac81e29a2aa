# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces of a test's own: a managed host, the systems outside, and a container behind the host.

    container  10.77.2.2, fd77:2::2  --  host  10.77.1.1, fd77:1::1  --  outside  10.77.1.2 (and .3), fd77:1::2
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
from network_peer import Peer
from programs import tool

_HOLD = "echo up; exec sleep infinity"
#: by Debian's package; unshare and nsenter are in its util-linux, which every system has
_PROGRAMS = {"nftables": "nft", "iproute2": "ip"}


@dataclass
class Namespace:
    """A network namespace that a sleeping process holds."""

    pid: int
    peers: list[Peer] = field(default_factory=list)

    @property
    def within(self) -> list[str]:
        """What runs a command there."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net"]

    def run(self, *command: str, text: str = "", check: bool = True) -> str:
        """Run a command there; what it prints, errors too."""
        done = subprocess.run([*self.within, *command], input=text, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def peer(self) -> Peer:
        """Somebody there; ends with the test."""
        self.peers.append(Peer(self.within))
        return self.peers[-1]


@dataclass
class Network:
    """The three of them."""

    host: Namespace
    outside: Namespace
    container: Namespace


@pytest.fixture
def network() -> Iterator[Network]:
    """Namespaces that are none of the machine's own, wired up."""
    if os.geteuid() != 0:
        pytest.skip("untested: only root makes network namespaces")
    _find_programs()
    with ExitStack() as stack:
        one = Network(*(_namespace(stack) for _count in range(3)))
        refused = one.host.run("nft", "list", "tables", check=False)
        if refused:
            pytest.skip(f"untested: {refused.strip()}")
        _wire(one.host, one.outside, "10.77.1", "fd77:1")
        _wire(one.host, one.container, "10.77.2", "fd77:2")
        one.outside.run("ip", "address", "add", "10.77.1.3/24", "dev", "in")
        one.outside.run("ip", "route", "add", "10.77.2.0/24", "via", "10.77.1.1")
        one.container.run("ip", "route", "add", "default", "via", "10.77.2.1")
        one.outside.run("ip", "-6", "route", "add", "fd77:2::/64", "via", "fd77:1::1")
        one.container.run("ip", "-6", "route", "add", "default", "via", "fd77:2::1")
        for switch in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            one.host.run("sh", "-c", f"echo 1 > /proc/sys/net/{switch}")
        yield one


def _find_programs() -> None:
    """They are on the path, of this process and of those that it starts."""
    for package, name in _PROGRAMS.items():
        if shutil.which(name) is None:
            os.environ["PATH"] = f"{os.environ['PATH']}:{os.path.dirname(tool(package, name))}"


def _namespace(stack: ExitStack) -> Namespace:
    holder = subprocess.Popen(["unshare", "--net", "sh", "-c", _HOLD], stdout=subprocess.PIPE, text=True)
    stack.callback(_end, holder)
    assert holder.stdout is not None
    if holder.stdout.readline() != "up\n":
        pytest.skip("untested: no network namespace can be made here")
    made = Namespace(holder.pid)
    assert _identity(made.pid), "it is there"
    assert _identity(made.pid) not in {_identity(1), _identity(os.getpid())}, "never the machine's own"
    stack.callback(lambda: [peer.stop() for peer in made.peers])
    made.run("ip", "link", "set", "lo", "up")
    return made


def _identity(pid: int) -> str:
    """Which network namespace a process is in; nothing where even root may not look at process 1."""
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except PermissionError:
        return ""


def _end(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    assert holder.stdout is not None
    holder.stdout.close()


def _wire(host: Namespace, other: Namespace, four: str, six: str) -> None:
    """A cable from the host, which is .1 and ::1, to the other, which is .2 and ::2."""
    name = f"to{four[-1]}"
    host.run("ip", "link", "add", name, "type", "veth", "peer", "name", "in", "netns", str(other.pid))
    for end, device, number in ((host, name, "1"), (other, "in", "2")):
        end.run("ip", "address", "add", f"{four}.{number}/24", "dev", device)
        end.run("ip", "-6", "address", "add", f"{six}::{number}/64", "dev", device, "nodad")
        end.run("ip", "link", "set", device, "up")
