# SPDX-License-Identifier: GPL-3.0-or-later
"""Seal a bundle: the packages' digests into release.yml, every file's into SHA256SUMS (A2)."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.relmgmt.release.plugins.module_utils._files import sha256_file, write_durably
from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle import (
    SUM_LINE,
    SUMS,
    Bundle,
    bundle_files,
    load_bundle,
)
from relmgmt_runner.errors import UsageError
from relmgmt_runner.yamltext import package_files, set_digests


def seal(directory: Path) -> tuple[Bundle, bool]:
    """Seal the bundle; returns it as the readers see it, and whether anything was written."""
    release = directory / "release.yml"
    if not release.is_file():
        raise UsageError("no release.yml in the bundle", str(directory), "give the bundle's directory")
    text = release.read_bytes().decode("utf-8-sig")
    wrote = _write_if_new(release, set_digests(text, _digests(directory, text)))
    wrote |= _write_if_new(directory / SUMS, sums_text(directory))
    return load_bundle(str(directory)), wrote


def sums_text(directory: Path) -> str:
    """SHA256SUMS of a bundle as it lies there: ``sha256  path`` lines, sorted by path."""
    lines = [f"{sha256_file(str(directory / name))}  {name}" for name in bundle_files(str(directory))]
    for line in lines:
        if SUM_LINE.fullmatch(line) is None:
            raise UsageError("a file name that SHA256SUMS cannot hold", repr(line[66:]), "rename the file")
    return "".join(line + "\n" for line in lines)


def _digests(directory: Path, text: str) -> dict[str, str]:
    digests = {}
    for name in package_files(text):
        path = directory / name
        if not path.is_file() or directory.resolve() not in path.resolve().parents:
            cure = "add it, or correct release.yml"
            raise UsageError(f"the package {name} is not in the bundle", str(directory), cure)
        digests[name] = sha256_file(str(path))
    return digests


def _write_if_new(path: Path, text: str) -> bool:
    data = text.encode("utf-8")
    if path.is_file() and path.read_bytes() == data:
        return False
    write_durably(str(path), data)
    return True
