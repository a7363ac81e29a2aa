# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages of a release bundle, looked into."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ansible_collections.relmgmt.release.plugins.module_utils._core.finding import Finding
from ansible_collections.relmgmt.release.plugins.module_utils._core.package_lint import (
    lint_package,
    lint_together,
    terms_of,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.release import CODE
from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle import CHUNK, Bundle


def lint_bundle(bundle: Bundle) -> list[Finding]:
    """What is wrong or unwise about the bundle's packages of database code; read from disk, item by item."""
    found: list[Finding] = []
    lines: dict[str, dict[str, int]] = {}
    for package in bundle.release.packages:
        if package.type in CODE:
            path = os.path.join(bundle.directory, package.file)
            terms = terms_of(package.options)
            findings, lines[package.file] = lint_package(package.type, _chunks(path), terms, package.file)
            found += findings
    return [*found, *lint_together(lines)]


def _chunks(path: str) -> Iterator[bytes]:
    with open(path, "rb") as stream:
        yield from iter(lambda: stream.read(CHUNK), b"")
