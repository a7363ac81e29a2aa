# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory tree as it lies on the disk."""

from __future__ import annotations

import os
import stat
from typing import List

from ansible_collections.relmgmt.release.plugins.module_utils._core.tree import Entry
from ansible_collections.relmgmt.release.plugins.module_utils._files import sha256_file


def observe_tree(root: str) -> List[Entry]:
    """What lies below a directory now; links and devices appear as entries that no package has."""
    found: List[Entry] = []
    for directory, names, files in os.walk(root):
        for name in names + files:
            path = os.path.join(directory, name)
            found.append(_observed(path, os.path.relpath(path, root)))
    return sorted(found)


def _observed(path: str, relative: str) -> Entry:
    status = os.lstat(path)
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISDIR(status.st_mode):
        return Entry(relative, "", mode, 0)
    if stat.S_ISREG(status.st_mode):
        return Entry(relative, sha256_file(path), mode, status.st_size)
    return Entry(relative, "neither file nor directory", mode, 0)
