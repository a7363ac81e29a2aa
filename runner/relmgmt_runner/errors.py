# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner's errors, and the one place where an error or a verdict becomes an exit status.

RunnerError            1   something of the runner's own went wrong
 ├── UsageError        2   the command line, a document or the place it was called from is wrong
 └── RefusedError      4   what was asked for must not be done

The readers of the collection raise its own tree (``_errors.py``): InvalidInput is 2, Refused is 4.
"""

from __future__ import annotations

from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    InvalidInput,
    Refused,
    RelmgmtError,
)

DONE, INTERNAL, USAGE, HOLDING, REFUSED, RESTORED, DIFFERS = range(7)

VERDICT_STATUS = {
    "done": DONE,
    "nothing_to_do": DONE,
    "checked": DONE,
    "phase_done": DONE,
    "rolled_back": DONE,
    "invalid": USAGE,
    "testing": HOLDING,
    "holding": HOLDING,
    "refused": REFUSED,
    "restored": RESTORED,
    "differs": DIFFERS,
    "unknown": DIFFERS,
    "not_started": INTERNAL,
}


class RunnerError(Exception):
    """Names the thing (message), the place and the cure."""

    status = INTERNAL

    def __init__(self, message: str, place: str = "", cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.cure = cure

    def __str__(self) -> str:
        place = f" [{self.place}]" if self.place else ""
        cure = f". Cure: {self.cure}" if self.cure else ""
        return f"{self.message}{place}{cure}"


class UsageError(RunnerError):
    """The command line or the place it was called from is wrong."""

    status = USAGE


class RefusedError(RunnerError):
    """What was asked for must not be done."""

    status = REFUSED


def status_of(error: RunnerError | RelmgmtError) -> int:
    """The exit status of an error."""
    if isinstance(error, RunnerError):
        return error.status
    if isinstance(error, InvalidInput):
        return USAGE
    return REFUSED if isinstance(error, Refused) else INTERNAL
