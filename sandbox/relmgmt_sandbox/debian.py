# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs from Debian packages, unpacked and never installed: the same way for root and for anyone else."""
from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import processes
from .errors import SandboxError
from .layout import Layout, locked

SYSTEM = Path("/")
Patterns = tuple[str, ...]
_PROGRAMS: dict[str, Patterns] = {
    "fis-gtm": ("usr/lib/*/fis-gtm/V*/mumps",),
    "nginx-light": ("usr/sbin/nginx",),
    "openssh-server": ("usr/sbin/sshd",),
}
_NEW = re.compile(r"^Inst (\S+) (?:\[[^]]*\] )?\((\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Programs:
    gtm_dist: Path
    nginx: Path
    sshd: Path
    libraries: str


def find_programs(layout: Layout, tell: Callable[[str], None]) -> Programs:
    """What is installed is used; what is missing is downloaded and unpacked under the sandbox."""
    paths = find_files(layout, _PROGRAMS, tell)
    return Programs(
        paths["fis-gtm"].parent, paths["nginx-light"], paths["openssh-server"], library_path(layout)
    )


def find_files(layout: Layout, patterns: Mapping[str, Patterns], tell: Callable[[str], None]) -> dict[str, Path]:
    """For each package the newest file that fits one of its patterns, installed or unpacked under the sandbox."""
    missing = [package for package, found in _search(layout, patterns).items() if found is None]
    if missing:
        tell(f"unpacking Debian packages: {', '.join(missing)}")
        _unpack(layout, missing)
    found = _search(layout, patterns)
    absent = [package for package, path in found.items() if path is None]
    if absent:
        raise SandboxError(f"Debian packages {absent} do not hold the programs expected of them")
    return {package: path for package, path in found.items() if path}


def _search(layout: Layout, patterns: Mapping[str, Patterns]) -> dict[str, Path | None]:
    return {package: _first((SYSTEM, layout.debian), wanted) for package, wanted in patterns.items()}


def _first(roots: tuple[Path, ...], patterns: Patterns) -> Path | None:
    for root in roots:
        for pattern in patterns:
            for path in sorted(root.glob(pattern), reverse=True):
                return path
    return None


def library_path(layout: Layout) -> str:
    """Directories of the unpacked libraries, as the loader wants them; "" if nothing was unpacked."""
    # Until Debian 12 some packages have theirs in /lib.
    places = (*layout.debian.glob("usr/lib/*-linux-gnu*"), *layout.debian.glob("lib/*-linux-gnu*"))
    return ":".join(str(path) for path in sorted(places))


def _unpack(layout: Layout, packages: list[str]) -> None:
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise SandboxError("this sandbox needs apt-get and dpkg", f"on another system install {packages} yourself")
    with locked(layout.cache):
        try:
            archives = _archives(layout, packages)
        except SandboxError:
            # Empty or outdated lists: private ones, so that the system's are left as they are.
            _private_lists(layout)
            archives = _archives(layout, packages)
    layout.debian.mkdir(parents=True, exist_ok=True)
    for archive in archives:
        processes.run(["dpkg", "-x", str(archive), str(layout.debian)])


def _archives(layout: Layout, packages: list[str]) -> list[Path]:
    downloads = layout.cache / "debian"
    downloads.mkdir(parents=True, exist_ok=True)
    return [_download(layout, downloads, name, version) for name, version in _wanted(layout, packages)]


def _wanted(layout: Layout, packages: list[str]) -> list[tuple[str, str]]:
    """The packages, and what of their dependencies is not installed."""
    options = _options(layout)
    return _NEW.findall(processes.run(["apt-get", *options, "-s", "--no-install-recommends", "install", *packages]))


def _private_lists(layout: Layout) -> None:
    (layout.cache / "apt" / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (layout.cache / "apt" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    processes.run(["apt-get", *_options(layout), "-qq", "update"])


def _options(layout: Layout) -> list[str]:
    apt = layout.cache / "apt"
    if not apt.exists():
        return []
    return ["-o", f"Dir::State::Lists={apt}/lists", "-o", f"Dir::Cache={apt}", "-o", "APT::Sandbox::User=root",
            "-o", "Debug::NoLocking=1"]


def _download(layout: Layout, downloads: Path, name: str, version: str) -> Path:
    file_version = version.replace(":", "%3a")
    held = sorted(downloads.glob(f"{name}_{file_version}_*.deb"))
    if not held:
        processes.run(["apt-get", *_options(layout), "-qq", "download", f"{name}={version}"], cwd=downloads)
        held = sorted(downloads.glob(f"{name}_{file_version}_*.deb"))
    if not held:
        raise SandboxError(f"apt-get download {name} left no file in {downloads}")
    return held[0]
