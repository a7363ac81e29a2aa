# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of logical volumes: made under a short freeze, mounted, read, and always removed."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import ExitStack, contextmanager
from typing import Callable, Iterator, NamedTuple, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown, RelmgmtError

MOUNTS = "/run/relmgmt/snapshots"
#: a classic snapshot holds what is written to its origin until it is removed: this part of the origin
SHARE, LEAST = 5, 64 << 20
DEADLINE = 120.0
Run = Callable[[Sequence[str]], str]


class Volume(NamedTuple):
    """A logical volume that a file system lies on. ``size``, ``free`` (of its group): bytes."""

    device: str
    group: str
    name: str
    size: int
    free: int
    thin: bool
    mount: str
    kind: str

    @property
    def needed(self) -> int:
        """Bytes that a snapshot takes from the group."""
        return 0 if self.thin else max(LEAST, min(self.size // SHARE, self.free))


def run(argv: Sequence[str]) -> str:
    """The standard output of a command; HostStateUnknown if it fails."""
    try:
        done = subprocess.run(
            list(argv), stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE, check=False,
            env={**os.environ, "LC_ALL": "C", "LVM_SUPPRESS_FD_WARNINGS": "1"},
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise HostStateUnknown(f"{argv[0]} does not run: {error}", place=argv[-1]) from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise HostStateUnknown(f"{argv[0]} failed: {said} (status {done.returncode})", place=argv[-1])
    return done.stdout.decode("utf-8", "replace")


def find_volume(path: str, run: Run = run) -> Volume:
    """The volume that a file lies on; HostStateUnknown if it lies on none."""
    device, mount, kind = run(["findmnt", "-n", "-r", "-o", "SOURCE,TARGET,FSTYPE", "-T", path]).split()
    fields = "vg_name,lv_name,lv_size,vg_free,pool_lv"
    line = run(["lvs", "--noheadings", "--nosuffix", "--units", "b", "--separator", "|", "-o", fields, device])
    group, name, size, free, pool = (part.strip() for part in line.strip().split("|"))
    return Volume(device, group, name, int(size), int(free), bool(pool), mount, kind)


def why_not(paths: Sequence[str], run: Run = run) -> str:
    """Why no snapshots can be taken of these files' volumes, "" if they can."""
    if os.geteuid() != 0:
        return "snapshots of logical volumes are root's to make"
    try:
        volumes = {find_volume(path, run) for path in paths}
    except (RelmgmtError, ValueError) as error:
        return f"not every dataset lies on a logical volume ({error})"
    for group, free in sorted({(one.group, one.free) for one in volumes}):
        needed = sum(one.needed for one in volumes if one.group == group)
        if free < needed:
            return f"volume group {group} has less free than the {needed} bytes that its snapshots need"
    return ""


class Snapshots:
    """The snapshots of the volumes of some files. ``label`` makes their names the same in every run."""

    def __init__(self, paths: Sequence[str], label: str, run: Run = run) -> None:
        self._run = run
        self._label = re.sub(r"[^A-Za-z0-9_.-]", "_", label)
        self._volume_of = {path: find_volume(path, run) for path in paths}
        self._volumes = sorted(set(self._volume_of.values()))

    def remove_litter(self) -> None:
        """Remove what a crash of an earlier run left (T5)."""
        for volume in self._volumes:
            names = self._run(["lvs", "--noheadings", "-o", "lv_name", volume.group]).split()
            if self._name(volume) in names:
                self._remove(volume)

    def create(self) -> None:
        """Under the freeze: one snapshot a volume."""
        for volume in self._volumes:
            size = ["-kn"] if volume.thin else ["-L", f"{volume.needed}b"]
            origin = f"{volume.group}/{volume.name}"
            self._run(["lvcreate", "-y", "-s", "-n", self._name(volume), *size, origin])

    @contextmanager
    def mounted(self) -> Iterator[dict[str, str]]:
        """Where each file is to be read, by its path."""
        with ExitStack() as stack:
            places = {volume: self._mount(stack, volume) for volume in self._volumes}
            yield {
                path: os.path.join(places[volume], os.path.relpath(os.path.realpath(path), volume.mount))
                for path, volume in self._volume_of.items()
            }

    def remove(self) -> None:
        """Remove the snapshots that were made."""
        self.remove_litter()

    def _mount(self, stack: ExitStack, volume: Volume) -> str:
        place = self._place(volume)
        os.makedirs(place, 0o700, exist_ok=True)
        # A second XFS of the same identity is refused otherwise.
        options = "noatime,nouuid" if volume.kind == "xfs" else "noatime"
        self._run(["mount", "-t", volume.kind, "-o", options, self._device(volume), place])
        stack.callback(self._unmount, volume)
        return place

    def _unmount(self, volume: Volume) -> None:
        self._run(["umount", self._place(volume)])
        os.rmdir(self._place(volume))

    def _remove(self, volume: Volume) -> None:
        if os.path.ismount(self._place(volume)):
            self._unmount(volume)
        self._run(["lvremove", "-y", f"{volume.group}/{self._name(volume)}"])

    def _name(self, volume: Volume) -> str:
        return f"relmgmt_{self._label}_{volume.name}"[:120]

    def _device(self, volume: Volume) -> str:
        return f"/dev/{volume.group}/{self._name(volume)}"

    def _place(self, volume: Volume) -> str:
        return os.path.join(MOUNTS, f"{volume.group}-{self._name(volume)}")
