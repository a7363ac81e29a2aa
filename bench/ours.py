# SPDX-License-Identifier: GPL-3.0-or-later
"""The product at work on one file, as its modules work: one job a process.

    python -m bench.ours backup SOURCE SET
    python -m bench.ours second SOURCE SET --base SET
    python -m bench.ours restore LIVE SET
    python -m bench.ours package EXPORT
    python -m bench.ours load

Prints what was done as JSON. Nothing here is faster than the product: these are the calls that
``backup_set``, ``restore`` and ``cache_package`` make, without the ledger's rows around them.
``load`` only loads the program.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any


def main(arguments: Sequence[str] | None = None) -> None:
    """Do the job that the command line names."""
    parser = argparse.ArgumentParser(prog="bench.ours")
    parser.add_argument("job", choices=["backup", "second", "restore", "package", "load"])
    parser.add_argument("source", type=Path, nargs="?")
    parser.add_argument("set", type=Path, nargs="?")
    parser.add_argument("--base", type=Path)
    given = parser.parse_args(arguments)
    jobs = {"backup": _backup, "second": _backup, "restore": _restore, "package": _package, "load": _load}
    print(json.dumps(jobs[given.job](given)))


def _backup(given: argparse.Namespace) -> dict[str, Any]:
    from .plain_backup import take

    return take(given.source, str(given.set), str(given.base or ""))


def _restore(given: argparse.Namespace) -> dict[str, Any]:
    from ansible_collections.relmgmt.release.plugins.module_utils._backup.restoring import Restore

    from .plain_storage import PlainStorage

    job = Restore(PlainStorage(given.source), str(given.set), str(given.source.parent))
    with job.alone():
        job.settle()
        plan = job.carry_out(job.plan(), lambda plan: None, "bench")
    return {"changed": plan.datasets[0].changes.count, "ways": {name: way.way for name, way in plan.ways.items()}}


def _package(given: argparse.Namespace) -> dict[str, Any]:
    from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml import read_export

    whole, count = hashlib.sha256(), 0
    for _ in read_export(_hashed(given.source, whole), given.source.name):
        count += 1
    return {"items": count, "sha256": whole.hexdigest()}


def _load(given: argparse.Namespace) -> dict[str, Any]:
    from ansible_collections.relmgmt.release.plugins.module_utils._backup import restoring
    from ansible_collections.relmgmt.release.plugins.module_utils._core import cache_xml

    from . import plain_backup

    return {"loaded": [one.__name__ for one in (restoring, cache_xml, plain_backup)]}


def _hashed(path: Path, whole: hashlib._Hash) -> Iterator[bytes]:
    with open(path, "rb", buffering=0) as stream:
        while chunk := stream.read(1 << 20):
            whole.update(chunk)
            yield chunk


if __name__ == "__main__":
    os.umask(0o077)
    main()
