# SPDX-License-Identifier: GPL-3.0-or-later
"""A mark beside a server's files while nobody knows whether the server runs by them.

Files alone do not tell what is in force: an announcement or a restart may have failed, or the run may have been killed
between the two. The mark is written before the first file and goes only when the server was seen to run by the last.
"""

from __future__ import annotations

import contextlib
import os
from typing import FrozenSet, Iterable, Iterator

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import UNKNOWN
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown
from ansible_collections.relmgmt.release.plugins.module_utils._files import fsync_dir, read_if_there, write_durably


class Pending:
    """The marks of one server, by the name of what was being changed; each holds words about how."""

    def __init__(self, config_dir: str) -> None:
        self._config_dir = config_dir

    def of(self, name: str) -> FrozenSet[str]:
        """The words of the mark; empty when there is none."""
        return frozenset((read_if_there(self.path(name)) or b"").decode("utf-8").split())

    @contextlib.contextmanager
    def until_in_force(self, name: str, words: Iterable[str]) -> Iterator[None]:
        """Mark a change, with the words of one that was cut off before; an exception leaves the mark standing."""
        path = self.path(name)
        write_durably(path, " ".join(sorted({*words, *self.of(name)})).encode("utf-8"))
        yield
        os.unlink(path)
        fsync_dir(self._config_dir)

    def path(self, name: str) -> str:
        """Where the mark is."""
        return os.path.join(self._config_dir, ".relmgmt-pending-%s" % name)


def require_known(state: str, place: str) -> None:
    """Raise, after the files of a way back were laid, if nobody knows whether the server runs by others."""
    if state == UNKNOWN:
        cure = "see what `server status` says, then run the rollback again"
        raise HostStateUnknown("the files are back, but the state of the server cannot be observed", place, cure)
