# SPDX-License-Identifier: GPL-3.0-or-later
"""What a document root serves: the link `current`, and the tree that it leads to."""

from __future__ import annotations

import os
from typing import List, Optional

from ansible_collections.relmgmt.release.plugins.module_utils._core.tree import Entry
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._tree import observe_tree

RELEASES = "releases"


class DocumentRootView:
    """Links are the text of `current`, such as releases/CFIS002-0123456789ab, relative to the root."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self._current = os.path.join(self.path, "current")
        self._releases = os.path.join(self.path, RELEASES)

    def link(self) -> Optional[str]:
        """Where `current` leads, None when there is none."""
        if os.path.islink(self._current):
            return os.readlink(self._current)
        if os.path.exists(self._current):
            cure = "move it to %s/<name> and make a link to it in its place" % self._releases
            raise InvalidInput("current is not a link", self._current, cure)
        return None

    def path_of(self, link: str) -> str:
        """The directory that a link leads to."""
        return os.path.join(self.path, link)

    def tree(self, link: str) -> List[Entry]:
        """What lies in the directory that a link leads to; empty when it is gone."""
        return observe_tree(self.path_of(link))
