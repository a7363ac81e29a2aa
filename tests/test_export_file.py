# SPDX-License-Identifier: GPL-3.0-or-later
"""The export that the package reader is measured on, and the memory that reading it takes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

# The benchmark lies beside the tests' other paths, and is not part of what is shipped.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from bench.export_file import write_export

from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml import read_export
from ansible_collections.relmgmt.release.plugins.module_utils._core.package_lint import Terms, lint_package

CLONE = Path(__file__).resolve().parents[1]
# VmHWM, for the peak of getrusage is that of the process that called it, too.
READ = """
import re, sys
from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml import read_export
with open(sys.argv[1], "rb") as stream:
    count = sum(1 for item in read_export(iter(lambda: stream.read(1 << 20), b""), "P.xml"))
print(count, re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


def test_the_same_seed_makes_the_same_export(tmp_path: Path) -> None:
    one, two = tmp_path / "one.xml", tmp_path / "two.xml"
    assert write_export(one, 300_000) == write_export(two, 300_000)
    assert one.read_bytes() == two.read_bytes()
    write_export(two, 300_000, seed=7)
    assert one.read_bytes() != two.read_bytes()


def test_it_is_a_package_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "export.xml"
    count = write_export(path, 2_000_000)
    items = list(read_export([path.read_bytes()], "export.xml"))
    kinds = Counter(item.kind for item in items)
    assert len(items) == count
    assert {"class", "routine", "global", "csp", "project"} <= set(kinds)
    assert kinds["class"] > kinds["routine"] > kinds["global"]
    modes = {item.name: "merge" for item in items if item.kind == "global"}
    findings, _lines = lint_package("cache_xml", [path.read_bytes()], Terms(modes=modes), "export.xml")
    assert findings == []


def test_reading_takes_the_memory_of_one_item_whatever_the_size(tmp_path: Path) -> None:
    path = tmp_path / "export.xml"
    count = write_export(path, 20_000_000)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(CLONE / "collections")},
    )
    items, kilobytes = map(int, done.stdout.split())
    assert items == count
    assert kilobytes < 32 * 1024
