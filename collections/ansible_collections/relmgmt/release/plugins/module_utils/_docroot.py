# SPDX-License-Identifier: GPL-3.0-or-later
"""A document root: releases/<name> directories and the link `current` that is switched in one step."""

from __future__ import annotations

import os
import shutil
from typing import List

from ansible_collections.relmgmt.release.plugins.module_utils._archive import Ownership, extract
from ansible_collections.relmgmt.release.plugins.module_utils._core.archive import Limits
from ansible_collections.relmgmt.release.plugins.module_utils._core.tree import Entry, differences
from ansible_collections.relmgmt.release.plugins.module_utils._docroot_view import RELEASES, DocumentRootView
from ansible_collections.relmgmt.release.plugins.module_utils._errors import RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._files import fsync_dir, make_dirs, remove_tree
from ansible_collections.relmgmt.release.plugins.module_utils._tree import observe_tree

_PART = ".part"


class DocumentRoot(DocumentRootView):
    """A document root whose content is switched."""

    def foreign(self, link: str, uid: int, gid: int) -> List[str]:
        """Paths whose owner or group is not the wanted one; -1 wants nothing."""
        found: List[str] = []
        for directory, names, files in os.walk(self.path_of(link)):
            for path in [os.path.join(directory, name) for name in [*names, *files]]:
                status = os.lstat(path)
                if uid not in (-1, status.st_uid) or gid not in (-1, status.st_gid):
                    found.append(os.path.relpath(path, self.path_of(link)))
        return sorted(found)

    def links(self) -> List[str]:
        """Every directory below releases, as a link to it would read."""
        names = os.listdir(self._releases) if os.path.isdir(self._releases) else []
        return ["%s/%s" % (RELEASES, name) for name in sorted(names) if not name.endswith(_PART)]

    def free_link(self, name: str, wanted: List[Entry], ownership: Ownership) -> str:
        """The link for this content: a directory that holds exactly it, else a name not in use."""
        number = 1
        while True:
            link = "%s/%s" % (RELEASES, name if number == 1 else "%s-r%d" % (name, number))
            if not os.path.lexists(self.path_of(link)) or self._is_sound(link, wanted, ownership):
                return link
            number += 1

    def unpack(
        self, package: str, link: str, wanted: List[Entry], limits: Limits, ownership: Ownership, label: str
    ) -> None:
        """Unpack aside, check against the archive, sync, rename; a sound directory is left as it is."""
        target = self.path_of(link)
        if os.path.lexists(target):
            return  # free_link found it to be sound
        aside = target + _PART
        remove_tree(aside)  # of a run that was killed
        make_dirs(self._releases)
        self._check_space(wanted)
        try:
            os.mkdir(aside, 0o700)
            extract(package, aside, limits, ownership, label)
            self._check(aside, wanted)
            os.rename(aside, target)
        except BaseException:
            remove_tree(aside)
            raise
        fsync_dir(self._releases)

    def switch(self, link: str) -> None:
        """Make `current` lead there, atomically: the link is made aside and renamed over it."""
        if not os.path.isdir(self.path_of(link)):
            cure = "put the content back there from a backup of the host, or release again"
            raise RelmgmtError("the content to switch to is gone", self.path_of(link), cure)
        aside = os.path.join(self.path, ".current.%d" % os.getpid())
        if os.path.lexists(aside):
            os.unlink(aside)
        os.symlink(link, aside)
        os.rename(aside, self._current)
        fsync_dir(self.path)

    def unlink(self) -> None:
        """Serve nothing."""
        os.unlink(self._current)
        fsync_dir(self.path)

    def remove(self, link: str) -> None:
        """Remove an older release, by a name under which nobody looks for it."""
        aside = self.path_of(link) + _PART
        remove_tree(aside)
        os.rename(self.path_of(link), aside)
        remove_tree(aside)

    def _is_sound(self, link: str, wanted: List[Entry], ownership: Ownership) -> bool:
        if not os.path.isdir(self.path_of(link)):
            return False
        return self.tree(link) == wanted and not self.foreign(link, ownership.uid, ownership.gid)

    def _check_space(self, wanted: List[Entry]) -> None:
        needed, free = sum(entry.size for entry in wanted), shutil.disk_usage(self._releases).free
        if needed > free:
            message = "no room to unpack: %d bytes needed, %d free" % (needed, free)
            raise RelmgmtError(message, self._releases, "free some space there")

    def _check(self, aside: str, wanted: List[Entry]) -> None:
        wrong = differences(wanted, observe_tree(aside))
        if wrong:
            message = "%d unpacked files differ from the package, the first: %s" % (len(wrong), wrong[0])
            raise RelmgmtError(message, aside, "check the disk and the umask, then run again")
