# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test sanity over a copy of the collection, without containers: python tools/sanity.py [its options]

Everything it needs comes from pip's configured registry. ansible-test would load a bootstrap of pip from a host of its
own, and would not hand on the settings of pip that are in the environment: both are put right here. It gets a home
directory of its own under .cache/, so that the user's is left alone.
"""
from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import interpreters

CLONE = Path(__file__).resolve().parents[1]
COLLECTION = Path("ansible_collections/relmgmt/release")
CACHE = Path(os.environ.get("RELMGMT_SANITY_CACHE") or CLONE / ".cache" / "sanity").absolute()
BOOTSTRAP = "import ensurepip\nensurepip.bootstrap()\n"
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*_cache", ".hypothesis", "output")


def main(options: list[str]) -> int:
    home = CACHE / "home"
    _write_bootstrap(home)
    _write_pip_settings(home)
    tree = _copy(CACHE / "tree")
    environment = {**os.environ, "HOME": str(home), "PATH": _path()}
    command = [str(Path(sys.executable).parent / "ansible-test"), "sanity", "--venv", "--color", "no", *options]
    return subprocess.run(command, cwd=tree, env=environment, check=False).returncode


def _write_bootstrap(home: Path) -> None:
    """pip as it comes with the interpreter, under the name by which ansible-test looks for its own."""
    part = importlib.util.find_spec("ansible_test._internal.python_requirements")
    source = Path(part.origin).read_text(encoding="utf-8") if part and part.origin else ""
    versions = re.findall(r"\bpip='([0-9.]+)'", source)
    if not versions:
        raise SystemExit("tools/sanity.py: this ansible-test does not say which pip it boots: look at PipBootstrap")
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in versions:
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(BOOTSTRAP, encoding="utf-8")


def _write_pip_settings(home: Path) -> None:
    """pip's settings of the real home and of the environment, as a file: ansible-test hands nothing else on."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    pattern = re.compile(r"^(:env:|global|install)\.([\w-]+)=(.+)$", re.MULTILINE)
    settings = {f"{name} = {ast.literal_eval(value)}" for _section, name, value in pattern.findall(listed.stdout)}
    path = home / ".config" / "pip" / "pip.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["[global]", *sorted(settings)]) + "\n", encoding="utf-8")


def _copy(tree: Path) -> Path:
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(CLONE / "collections" / COLLECTION, tree / COLLECTION, ignore=NOT_COPIED, symlinks=True)
    # A repository of its own: in that of the clone the cache is ignored, and ansible-test would find nothing to test.
    subprocess.run(["git", "init", "--quiet", str(tree / COLLECTION)], check=True)
    (tree / COLLECTION / ".git" / "info" / "exclude").write_text("tests/output/\n", encoding="utf-8")
    return tree / COLLECTION


def _path() -> str:
    """The interpreters that were found come first, so that no shim of a missing one is taken for one."""
    places = [Path(sys.executable).parent, *(path.parent for path in interpreters.found().values())]
    return os.pathsep.join([*map(str, places), os.environ["PATH"]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
