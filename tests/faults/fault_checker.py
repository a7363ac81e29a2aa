# SPDX-License-Identifier: GPL-3.0-or-later
"""What is true after a fault, seen without the product: this file imports nothing of it.

It reads the files, asks the kernel and the engine's own programs, and knows the form of a backup set from its
documentation only.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import struct
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

POINTS = ("before", "installed")
DIGEST = 16
PATIENCE = 30


def digest(algorithm: str, block: bytes) -> bytes:
    """A block's digest."""
    if algorithm == "blake2b/128":
        return hashlib.blake2b(block, digest_size=DIGEST).digest()
    assert algorithm == "sha256/128", algorithm
    return hashlib.sha256(block).digest()[:DIGEST]


def manifest(path: Path) -> dict[str, Any]:
    """The manifest of a set, proven by its own digest."""
    text = (path / "manifest.json").read_text(encoding="utf-8")
    values = dict(json.loads(text))
    said = values.pop("root_digest")
    assert hashlib.sha256((json.dumps(values, indent=1, sort_keys=True) + "\n").encode()).hexdigest() == said, path
    return {**values, "root_digest": said}


def seal(path: Path, values: dict[str, Any]) -> str:
    """Write a manifest of these values; its digest."""
    said = hashlib.sha256((json.dumps(values, indent=1, sort_keys=True) + "\n").encode()).hexdigest()
    text = json.dumps({**values, "root_digest": said}, indent=1, sort_keys=True) + "\n"
    (path / "manifest.json").write_text(text, encoding="utf-8")
    return said


def content(path: Path, one: Mapping[str, Any]) -> bytes:
    """The whole dataset that a set holds, put together where it is stored as blocks."""
    if one["stored"] == "plain":
        return (path / one["file"]).read_bytes()
    base = path / manifest(path)["base"]["path"]
    (below,) = [other for other in manifest(base)["datasets"] if other["name"] == one["name"]]
    size = one["block_size"]
    data = bytearray(content(base, below)[: one["size"]].ljust(one["size"], b"\0"))
    index = (path / (one["file"] + ".index")).read_bytes()
    blocks = (path / (one["file"] + ".blocks")).read_bytes()
    for at, (number,) in enumerate(struct.iter_unpack("<Q", index)):
        block = blocks[at * size:(at + 1) * size]
        data[number * size:number * size + len(block)] = block
    return bytes(data[: one["size"]])


def require_whole(path: Path) -> None:
    """Every block of every dataset of the set is what its digest says, and the digests what the manifest says."""
    for one in manifest(path)["datasets"]:
        data, size = content(path, one), one["block_size"]
        assert len(data) == one["size"], (path, one["name"])
        digests = b"".join(digest(one["algorithm"], data[at:at + size]) for at in range(0, len(data), size))
        assert (path / (one["file"] + ".digests")).read_bytes() == digests, (path, one["name"])
        assert hashlib.sha256(digests + b"%d" % len(data)).hexdigest() == one["root"], (path, one["name"])


def named_sets(root: Path) -> list[Path]:
    """Whatever stands under the final name of a set."""
    return sorted(found for point in POINTS for found in root.glob(f"*/*/*/{point}"))


def require_no_torn_set(root: Path) -> list[Path]:
    """What stands under a final name is a whole set (invariant 8); which these are."""
    found = named_sets(root)
    for path in found:
        require_whole(path)
    return found


def ledger(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Acts and points of a ledger, whose file and whose audit chain are whole (invariants 10 and 16)."""
    base = sqlite3.connect(f"file:{path}", uri=True)
    base.row_factory = sqlite3.Row
    try:
        assert base.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        numbers = [row[0] for row in base.execute("SELECT number FROM audit ORDER BY number")]
        assert numbers == list(range(1, len(numbers) + 1))
        acts = [dict(row) for row in base.execute("SELECT * FROM act ORDER BY id")]
        points = [dict(row) for row in base.execute("SELECT * FROM point")]
    finally:
        base.close()
    return acts, points


def require_recorded_sets_whole(path: Path) -> None:
    """A point that the ledger has is a set that is there, the very one, or one whose removal was cut off."""
    for point in ledger(path)[1]:
        if Path(point["path"] + ".removing").exists():
            continue
        assert manifest(Path(point["path"]))["root_digest"] == point["root_digest"]
        require_whole(Path(point["path"]))


class Database:
    """A GT.M instance, asked through GT.M's own programs."""

    def __init__(self, dist: str, environment: Mapping[str, str]) -> None:
        self._dist = dist
        self._environment = dict(environment)

    def _run(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [f"{self._dist}/{program}", *words], env=self._environment, capture_output=True, text=True,
            errors="surrogateescape", timeout=PATIENCE, stdin=subprocess.DEVNULL, check=False,
        )

    def m(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run M code; TimeoutExpired is raised if it hangs, as a writer does in the end in a frozen instance."""
        return self._run("mumps", "-run", "%XCMD", code)

    def is_frozen(self, dataset: Path) -> bool:
        """What the dataset's header says."""
        done = self._run("mupip", "dumpfhead", "-file", str(dataset))
        return 'sgmnt_data.freeze")=0' not in done.stdout + done.stderr

    def require_writable(self) -> None:
        """Nothing is frozen: a write in each region succeeds, and leaves no trace."""
        done = self.m('SET ^CASE("fault")=1,^AUXLOG("fault")=1 KILL ^CASE("fault"),^AUXLOG("fault") WRITE "done"')
        assert (done.returncode, done.stdout) == (0, "done\n"), done

    def can_be_opened(self) -> bool:
        """Does the instance let a user in?"""
        done = self.m('WRITE $DATA(^CASE),$DATA(^AUXLOG)')
        return done.returncode == 0

    def require_integrity(self) -> None:
        """The engine's own check of every region."""
        self._run("mupip", "rundown", "-region", "*")
        done = self._run("mupip", "integ", "-region", "*")
        assert done.returncode == 0, done.stderr

    def memory_of(self, dataset: Path) -> dict[str, str]:
        """Numbers of the shared memory (-m) and the semaphores (-s) that a dataset's header names."""
        done = self._run("mupip", "dumpfhead", "-file", str(dataset))
        found = dict(re.findall(r'"sgmnt_data\.(shm|sem)id"\)=(-?\d+)', done.stdout + done.stderr))
        return {option: found[kind] for kind, option in (("shm", "-m"), ("sem", "-s")) if found.get(kind, "-1") != "-1"}

    def nodes(self, target: Path) -> list[str]:
        """Every node of every global, as ``mupip extract`` writes them."""
        target.unlink(missing_ok=True)
        done = self._run("mupip", "extract", "-format=zwr", str(target))
        assert done.returncode == 0, done.stderr
        lines = target.read_text(encoding="utf-8", errors="surrogateescape").splitlines()[2:]
        target.unlink()
        return lines


def processes(of: int) -> Iterator[int]:
    """A process and everything below it, as the kernel lists them."""
    parents: dict[int, list[int]] = {}
    for one in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = one.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(one.parent.name))
    found = [of]
    for parent in found:
        found += parents.get(parent, [])
    yield from found


def state(pid: int) -> str:
    """One letter for what a process does: R, S, T, Z; "" if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
