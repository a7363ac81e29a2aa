# SPDX-License-Identifier: GPL-3.0-or-later
"""Python interpreters of this machine: python tools/interpreters.py prints what is found and what is missing."""
from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

# The oldest that ansible-core 2.18 allows on a managed host, up to the newest that has been released widely.
WANTED = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")


def find(version: str) -> Path | None:
    """A working interpreter of this version (X.Y); a pyenv shim without a version behind it does not count."""
    return next((path for path in _candidates(version) if _works(path, version)), None)


def found() -> dict[str, Path]:
    return {version: path for version in WANTED if (path := find(version))}


def _candidates(version: str) -> list[Path]:
    home = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    managed = sorted(home.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)
    on_path = shutil.which(f"python{version}")
    return managed + ([Path(on_path)] if on_path else [])


def _works(path: Path, version: str) -> bool:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([str(path), "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0 and done.stdout.decode().strip() == version


if __name__ == "__main__":
    for wanted in WANTED:
        print(f"python{wanted}: {find(wanted) or 'missing'}")
