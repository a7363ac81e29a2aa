# SPDX-License-Identifier: GPL-3.0-or-later
"""Durable file writes: written aside, synced, renamed, directory synced (invariant 8).

Ansible's own ``atomic_move`` syncs neither file nor directory; after a power cut the file
may be old, empty or missing.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import stat
from typing import BinaryIO, Callable

CHUNK = 1 << 20
ASIDE = ".relmgmt-new"
_ACL = "system.posix_acl_access"  # who may read and write beyond owner, group and others


def fsync_dir(path: str) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_dirs(path: str, mode: int = 0o755) -> None:
    """Create a directory and its parents, each made durable in its parent."""
    path = os.path.abspath(path)
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    make_dirs(parent, mode)
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        return
    fsync_dir(parent)


def sha256_file(path: str) -> str:
    """The file's SHA-256 as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def read_if_there(path: str) -> bytes | None:
    """The whole file; None when there is none."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def write_durably(path: str, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that its final name never shows a part of it."""

    def fill(stream: BinaryIO) -> None:
        stream.write(data)

    _publish(path, mode, fill)


def replace_durably(path: str, data: bytes, ready: Callable[[], None] | None = None) -> None:
    """Write a file anew that others read; mode, owner, group, access control list and, where allowed, labels stay.

    `ready` is called when nothing but the renaming is left; if it raises, the file stays as it was. Raises
    PermissionError, with the file as it was, where the owner cannot be kept and not everybody may read it.
    """
    before = os.stat(path)

    def fill(stream: BinaryIO) -> None:
        stream.write(data)
        try:
            os.fchown(stream.fileno(), before.st_uid, before.st_gid)
        except PermissionError as error:
            if not before.st_mode & stat.S_IROTH:
                raise PermissionError(error.errno, "owner and group cannot be kept", path) from error
        _keep_attributes(path, stream.fileno())

    _publish(path, stat.S_IMODE(before.st_mode), fill, ready)


def copy_durably(source: str, target: str, mode: int | None = None) -> str:
    """Copy a file under its final name at once; returns the SHA-256 of what was written."""
    digest = hashlib.sha256()

    def fill(stream: BinaryIO) -> None:
        with open(source, "rb") as origin:
            for chunk in iter(lambda: origin.read(CHUNK), b""):
                digest.update(chunk)
                stream.write(chunk)

    _publish(target, os.stat(source).st_mode & 0o7777 if mode is None else mode, fill)
    return digest.hexdigest()


def remove_tree(path: str) -> None:
    """Remove a directory tree; a tree that is not there is fine."""
    if os.path.islink(path):
        os.unlink(path)
    elif os.path.isdir(path):
        shutil.rmtree(path)


def _keep_attributes(path: str, descriptor: int) -> None:
    """Give a file the extended attributes of another, and not the list that it has inherited from its directory."""
    try:
        wanted, inherited = os.listxattr(path), os.listxattr(descriptor)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return
        raise
    if _ACL in inherited and _ACL not in wanted:
        os.removexattr(descriptor, _ACL)
    for name in wanted:
        try:
            os.setxattr(descriptor, name, os.getxattr(path, name))
        except OSError as error:
            # A label needs rights that its file's owner may lack; a list of those who may read is another matter.
            if name == _ACL or error.errno not in (errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.ENODATA):
                raise


def _publish(
    path: str, mode: int, fill: Callable[[BinaryIO], None], ready: Callable[[], None] | None = None
) -> None:
    directory = os.path.dirname(os.path.abspath(path))
    aside = os.path.join(directory, f".{os.path.basename(path)}{ASIDE}")
    with _open_aside(aside) as stream:
        try:
            stream.truncate(0)
            fill(stream)
            os.fchmod(stream.fileno(), mode)
            stream.flush()
            os.fsync(stream.fileno())
            if ready is not None:
                ready()
            os.rename(aside, path)
        except BaseException:
            if os.path.exists(aside):
                os.unlink(aside)
            raise
    fsync_dir(directory)


def _open_aside(aside: str) -> BinaryIO:
    """The file that is written first, locked; one that a crash left behind is used again, not left for ever."""
    while True:
        stream = os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600), "wb")
        if os.fstat(stream.fileno()).st_uid != os.geteuid():
            # Whoever made it could go on writing to it under its final name.
            stream.close()
            os.unlink(aside)
            continue
        fcntl.flock(stream, fcntl.LOCK_EX)
        if _has_name(stream, aside):
            return stream
        # Whoever had the lock has given the file its final name.
        stream.close()


def _has_name(stream: BinaryIO, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), os.lstat(path))
    except FileNotFoundError:
        return False
