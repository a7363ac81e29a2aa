# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory stays flat: a backup, its proof, a second point and a restore, in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

WORK = """
import json, os, random, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import Sets
from ansible_collections.relmgmt.release.plugins.module_utils._backup import patch
sets = Sets(Path(sys.argv[2]), 0)
size = int(sys.argv[3])
os.truncate(sets.live, size)
before = sets.take_before()
before.verify()
sets.dirty(random.Random(1).sample(range(size // 8192), size // 8192 // 20))
sets.take_installed(before).verify()
changes = sets.restore(before)
# Not ru_maxrss: that is inherited from whoever started the process.
lines = Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
print(json.dumps([peak, changes.count]))
"""
MIB = 1 << 20


def peak(tmp_path: Path, size: int) -> Any:
    tmp_path.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", WORK, str(Path(__file__).parent), str(tmp_path), str(size)], check=True,
        capture_output=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    kib, count = json.loads(done.stdout)
    assert count == size // 8192 // 20
    return kib * 1024


def test_memory_stays_flat(tmp_path: Path) -> None:
    small, large = peak(tmp_path / "s", 64 * MIB), peak(tmp_path / "l", 512 * MIB)
    print(f"{small / MIB:.1f} and {large / MIB:.1f} MiB")
    assert large < 64 * MIB
    assert large - small < 8 * MIB
