# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m relmgmt_sandbox.isolated COMMAND...: run a command in a network of its own, with nothing but a loopback.

What the command does to nftables, and every port that it opens, is not the machine's. Downloads have to be there
before (python -m relmgmt_sandbox fetch). Only root can do this; without it the exit status is 2.
"""
from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys

from .errors import SandboxError

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
IFF_UP = 1
OWN = "/proc/thread-self/ns/net"


def enter() -> int:
    """Move this thread, and what it starts from now on, into a new network; returns what leads back (see leave)."""
    if os.geteuid():
        raise SandboxError("a network of its own takes root", "run it as root, or in a container as root")
    back = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        os.close(back)
        raise SandboxError(f"no network of its own: {os.strerror(ctypes.get_errno())}", "allow CAP_SYS_ADMIN")
    _raise_loopback()
    return back


def leave(back: int) -> None:
    """Bring this thread back to where ``enter`` took it from."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(back, CLONE_NEWNET):
        raise SandboxError(f"the way back is shut: {os.strerror(ctypes.get_errno())}")
    os.close(back)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def main(argv: list[str]) -> int:
    if not argv:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        enter()
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    return os.execvp(argv[0], argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
