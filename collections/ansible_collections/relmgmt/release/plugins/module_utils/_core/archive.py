# SPDX-License-Identifier: GPL-3.0-or-later
"""Is the listing of a ZIP or WAR safe to unpack? Refused with file and member named, never rewritten."""

from __future__ import annotations

import re
import stat
import unicodedata
from typing import Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

STORED, DEFLATED = 0, 8
_ENCRYPTED = 0x1 | 0x40  # traditional and strong encryption
_LOCAL_HEADER = 30  # bytes of a local file header before its name
_DRIVE = re.compile(r"\A[A-Za-z]:")
_SPECIAL_BITS = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX
_CURE = "have the package built again without it"


class Limits(NamedTuple):
    """Bounds of an archive; sizes in bytes, ratio = unpacked / packed."""

    files: int = 20000
    size: int = 2 << 30
    ratio: int = 200
    ratio_floor: int = 1 << 20  # smaller members may be as empty as they like
    depth: int = 64
    name: int = 255  # bytes of one path segment
    path: int = 2048  # bytes of a whole path


class Member(NamedTuple):
    """One entry of an archive's central directory, as far as the checks look at it."""

    name: str  # as the archive spells it, never normalised
    size: int
    packed: int
    mode: int = 0  # st_mode with type bits; 0 when the archive holds none
    flags: int = 0
    method: int = STORED
    offset: int = 0  # of the local header

    @property
    def is_directory(self) -> bool:
        return self.name.endswith("/")

    @property
    def path(self) -> str:
        return self.name.rstrip("/")


def check_listing(archive: str, members: Sequence[Member], limits: Limits, end: Optional[int] = None) -> None:
    """Refuse a listing that is unsafe to unpack; `end` is where the central directory starts."""
    if len(members) > limits.files:
        raise _refusal(archive, None, "it has %d members, more than %d" % (len(members), limits.files))
    for member in members:
        reason = _name_fault(member.name, limits) or _kind_fault(member) or _size_fault(member, limits)
        if reason:
            raise _refusal(archive, member.name, reason)
    total = sum(member.size for member in members)
    if total > limits.size:
        raise _refusal(archive, None, "it unpacks to %d bytes, more than %d" % (total, limits.size))
    _check_collisions(archive, members)
    _check_overlaps(archive, members, end)


def _name_fault(name: str, limits: Limits) -> str:
    if "\0" in name:
        return "its name holds a NUL"
    if name.startswith("/") or _DRIVE.match(name):
        return "its path is absolute"
    if "\\" in name:
        return "its path uses backslashes"
    if any(unicodedata.category(letter) == "Cc" for letter in name):
        return "its name holds control characters"
    if unicodedata.normalize("NFC", name) != name:
        return "its name is not in Unicode form NFC"
    return _segments_fault(name, limits)


def _segments_fault(name: str, limits: Limits) -> str:
    segments = (name[:-1] if name.endswith("/") else name).split("/")
    if ".." in segments:
        return "its path leads out of the archive"
    if "" in segments or "." in segments:
        return "its path has empty parts"
    if len(segments) > limits.depth:
        return "its path is deeper than %d" % limits.depth
    sizes = [len(segment.encode("utf-8", "replace")) for segment in segments]
    if max(sizes) > limits.name or sum(sizes) + len(sizes) > limits.path:
        return "its path is too long"
    return ""


def _kind_fault(member: Member) -> str:
    kind = stat.S_IFMT(member.mode)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "it is a link or a device"
    if (kind == stat.S_IFDIR) != member.is_directory and kind:
        return "it is a file named like a directory, or the reverse"
    if member.mode & _SPECIAL_BITS:
        return "it has set-user-id, set-group-id or sticky permissions"
    if member.flags & _ENCRYPTED:
        return "it is encrypted"
    if member.method not in (STORED, DEFLATED):
        return "it is packed with the unusual method %d" % member.method
    return ""


def _size_fault(member: Member, limits: Limits) -> str:
    if member.is_directory and member.size:
        return "it is a directory with content"
    if member.size > limits.size:
        return "it unpacks to %d bytes, more than %d" % (member.size, limits.size)
    if member.size > limits.ratio_floor and member.size > limits.ratio * max(member.packed, 1):
        return "it unpacks to more than %d times its packed size" % limits.ratio
    return ""


def _check_collisions(archive: str, members: Sequence[Member]) -> None:
    seen: Dict[str, Member] = {}
    for member in members:
        key = member.path.casefold()
        if key in seen:
            raise _refusal(archive, member.name, "its name is there twice, also as %r" % seen[key].name)
        seen[key] = member
    for member in members:
        for parent in _parents(member.path.casefold()):
            if parent in seen and not seen[parent].is_directory:
                raise _refusal(archive, member.name, "it lies below the file %r" % seen[parent].name)


def _parents(path: str) -> List[str]:
    segments = path.split("/")
    return ["/".join(segments[:count]) for count in range(1, len(segments))]


def _check_overlaps(archive: str, members: Sequence[Member], end: Optional[int]) -> None:
    """Members that share packed bytes unpack to far more than the file could hold."""
    free_from = 0
    for member in sorted(members, key=lambda each: each.offset):
        if member.offset < free_from:
            raise _refusal(archive, member.name, "it overlaps another member")
        free_from = member.offset + _LOCAL_HEADER + member.packed
        if end is not None and free_from > end:
            raise _refusal(archive, member.name, "it reaches beyond the end of the archive")


def _refusal(archive: str, member: Optional[str], reason: str) -> InvalidInput:
    if member is None:
        return InvalidInput("archive refused: %s" % reason, archive, _CURE)
    return InvalidInput("archive refused: member %r: %s" % (member, reason), archive, _CURE, member=member)
