# SPDX-License-Identifier: GPL-3.0-or-later
"""Building a backup set: aside in ``<set>.part``, read back, published by one rename."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Iterator

from ansible_collections.relmgmt.release.plugins.module_utils._backup.assemble_script import write_script
from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._backup.lock import alone
from ansible_collections.relmgmt.release.plugins.module_utils._backup.set_manifest import PART
from ansible_collections.relmgmt.release.plugins.module_utils._core import backup_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import Manifest
from ansible_collections.relmgmt.release.plugins.module_utils._errors import Refused
from ansible_collections.relmgmt.release.plugins.module_utils._files import (
    fsync_dir,
    make_dirs,
    remove_tree,
    write_durably,
)


@contextmanager
def begin(path: str) -> Iterator[str]:
    """An empty ``<path>.part``, ours alone while this lasts; gone if the work fails.

    The lock is the kernel's and dies with its holder, so a part that a crash left behind
    blocks nobody (T5): it is thrown away here.
    """
    parent, part = os.path.dirname(path), path + PART
    make_dirs(parent, 0o750)
    with alone(parent, "takes a backup set"):
        if os.path.lexists(path):
            raise Refused(
                "another process has taken this backup set meanwhile", place=path, cure="run again: it is verified then"
            )
        remove_tree(part)
        make_dirs(part, 0o750)
        try:
            yield part
        except BaseException:
            remove_tree(part)
            raise


def publish(part: str, path: str, manifest: Manifest) -> None:
    """Write the manifest, last, and give the set its final name.

    A set that builds on another one carries the program that puts its blocks together.
    """
    if manifest.base:
        write_script(part)
    for folder, _names, _files in os.walk(part):
        fsync_dir(folder)
    write_durably(os.path.join(part, backup_manifest.NAME), backup_manifest.render(manifest))
    failpoint("backup:manifest")
    os.rename(part, path)
    fsync_dir(os.path.dirname(path))
    failpoint("backup:published")
