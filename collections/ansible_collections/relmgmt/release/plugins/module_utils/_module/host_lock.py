# SPDX-License-Identifier: GPL-3.0-or-later
"""One process at a time switches interfaces on a host, whoever started it: playbook or host command.

A module that was stopped while it entered, and went on after somebody had left on the console, would write test
settings into production.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from typing import Iterator

from ansible_collections.relmgmt.release.plugins.module_utils._errors import Refused
from ansible_collections.relmgmt.release.plugins.module_utils._files import make_dirs
from ansible_collections.relmgmt.release.plugins.module_utils._module.host_timer import directory_of

_NAME = "switch.lock"


@contextmanager
def switching(state_dir: str) -> Iterator[None]:
    """Be the one that switches; Refused names the process that does already. The lock ends with its process."""
    make_dirs(directory_of(state_dir), 0o700)
    path = os.path.join(directory_of(state_dir), _NAME)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = os.read(descriptor, 20).decode("ascii", "replace") or "that cannot be named"
            raise Refused(
                f"process {who} is switching the interfaces of this host", place=path,
                cure="wait until it has ended; if it hangs or its controller is lost, end it (kill -9) and run again",
            ) from None
        with suppress(OSError):  # a full disk hinders nobody
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d" % os.getpid(), 0)
        yield
    finally:
        os.close(descriptor)
