# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that may leave a daemon behind: own session, no pipe of this process, no input (T27)."""

from __future__ import annotations

import subprocess
import tempfile
import time
from typing import Any, Dict, NamedTuple, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._errors import RelmgmtError

_TAIL = 2000  # characters of a command's output that a message carries


class Ended(NamedTuple):
    """How a command ended; code is None when it did not end in time."""

    code: Optional[int]
    output: str


def run_detached(
    command: Sequence[str], deadline: float, cure: str, environment: Optional[Dict[str, str]] = None
) -> Ended:
    """Run a command until `deadline` (of time.monotonic); `cure`: what to correct if it cannot be started."""
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                list(command), env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            message = "the command cannot be run: %s" % error.strerror
            raise RelmgmtError(message, " ".join(command), cure) from error
        try:
            code = process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return Ended(None, _tail(output))
        return Ended(code, _tail(output))


def _tail(output: Any) -> str:
    output.seek(0)
    return str(output.read().decode("utf-8", "replace"))[-_TAIL:]
