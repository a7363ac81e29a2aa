# SPDX-License-Identifier: GPL-3.0-or-later
"""Named places where a test makes the process die, fail or stand still.

``RELMGMT_FAILPOINT=name`` kills the process there as ``kill -9`` would; ``name:error`` raises
the error of a failing disk; ``name:stop`` stops it until SIGCONT. Unset, a failpoint does nothing.
"""

from __future__ import annotations

import errno
import os
import signal

VARIABLE = "RELMGMT_FAILPOINT"


def failpoint(name: str) -> None:
    """Die, fail or stand still here if the environment names this place."""
    wanted = os.environ.get(VARIABLE)
    if wanted == name:
        os.kill(os.getpid(), signal.SIGKILL)
    if wanted == name + ":stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    if wanted == name + ":error":
        raise OSError(errno.EIO, f"injected at {name}")
