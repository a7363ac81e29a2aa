# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs from Debian packages, unpacked and never installed: the same way for root and for anyone else."""
from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import processes
from .errors import SandboxError
from .layout import Layout, locked

SYSTEM = Path("/")
_NEW = re.compile(r"^Inst (\S+) (?:\[[^]]*\] )?\((\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Programs:
    gtm_dist: Path
    nginx: Path
    sshd: Path
    libraries: str


def find_programs(layout: Layout, tell: Callable[[str], None]) -> Programs:
    """What is installed is used; what is missing is downloaded and unpacked under the sandbox."""
    missing = [package for package, found in _search(layout).items() if found is None]
    if missing:
        tell(f"unpacking Debian packages: {', '.join(missing)}")
        _unpack(layout, missing)
    found = _search(layout)
    absent = [package for package, path in found.items() if path is None]
    if absent:
        raise SandboxError(f"Debian packages {absent} do not hold the programs expected of them")
    paths = {package: path for package, path in found.items() if path}
    return Programs(paths["fis-gtm"], paths["nginx-light"], paths["openssh-server"], _library_path(layout))


def _search(layout: Layout) -> dict[str, Path | None]:
    roots = (SYSTEM, layout.debian)
    return {
        "fis-gtm": _first(roots, "usr/lib/*/fis-gtm/V*/mumps", parent=True),
        "nginx-light": _first(roots, "usr/sbin/nginx"),
        "openssh-server": _first(roots, "usr/sbin/sshd"),
    }


def _first(roots: tuple[Path, ...], pattern: str, parent: bool = False) -> Path | None:
    for root in roots:
        for path in sorted(root.glob(pattern), reverse=True):
            return path.parent if parent else path
    return None


def _library_path(layout: Layout) -> str:
    return ":".join(str(path) for path in sorted(layout.debian.glob("usr/lib/*-linux-gnu*")))


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
