# SPDX-License-Identifier: GPL-3.0-or-later
"""The product of versions: every ansible-core that can be installed here, every Python that a managed host may have.

Each ansible-core gets a virtual environment of its own under .cache/lanes/ and runs the unit tests and one change cycle
on a sandbox; each Python runs the unit tests of what travels to managed hosts. What is missing is named as untested.
"""
from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import interpreters

CLONE = Path(__file__).resolve().parents[1]
COLLECTION = CLONE / "collections/ansible_collections/relmgmt/release"
LANES = CLONE / ".cache" / "lanes"
# ansible-core, and the Pythons that it accepts as a controller, the preferred one first.
CORES = {
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.12", "3.13", "3.14"),
}
TARGETS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
TRAVELS = ("module_utils", "modules")  # of plugins/: what runs on managed hosts


def main() -> int:
    pythons = interpreters.found()
    results = [(f"ansible-core {core}", core_lane(core, pythons)) for core in CORES]
    results += [(f"managed host on Python {version}", target_lane(version, pythons)) for version in TARGETS]
    print("\n" + "\n".join(f"{name:32} {word}" for name, word in results))
    return 1 if any(word.startswith("FAILED") for _, word in results) else 0


def core_lane(core: str, pythons: dict[str, Path]) -> str:
    version = next((version for version in CORES[core] if version in pythons), None)
    if version is None:
        return f"untested: no Python {' or '.join(CORES[core])} here"
    home = LANES / f"core-{core}"
    begin = time.monotonic()
    print(f"===== ansible-core {core} on Python {version}", flush=True)
    packages = ["--editable", ".[test]", f"ansible-core=={core}.*"]
    done = _environment(home, pythons[version]) and _install(home, _pins(core), packages)
    return _word(done and _unit_tests(home) and _cycle(home), begin, f"on Python {version}")


def target_lane(version: str, pythons: dict[str, Path]) -> str:
    if version not in pythons:
        return f"untested: no Python {version} here"
    home = LANES / f"target-{version}"
    begin = time.monotonic()
    print(f"===== managed host on Python {version}", flush=True)
    # No pins: an old Python's newest pytest is older than the pinned one. jmespath is the controller's, for one test.
    done = _environment(home, pythons[version]) and _install(home, None, ["pytest", "hypothesis", "jmespath"])
    tests = [str(path) for name in TRAVELS if (path := COLLECTION / "tests/unit/plugins" / name).exists()]
    return _word(done and _target_tests(home, tests), begin, "")


def _environment(home: Path, python: Path) -> bool:
    return (home / "bin/python").exists() or _run([str(python), "-m", "venv", "--clear", str(home)])


def _pins(core: str) -> Path:
    """constraints.txt without what depends on the version of ansible-core."""
    lines = (CLONE / "constraints.txt").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("ansible-core=", "resolvelib="))]
    path = LANES / f"constraints-{core}.txt"
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return path


def _install(home: Path, pins: Path | None, packages: list[str]) -> bool:
    constraint = ["--constraint", str(pins)] if pins else []
    pip = [str(home / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return _run([*pip, *constraint, *packages])


def _unit_tests(home: Path) -> bool:
    return _run([str(home / "bin/pytest"), "-q", str(COLLECTION / "tests/unit"), "runner/tests"])


def _target_tests(home: Path, tests: list[str]) -> bool:
    # -c: the project's own settings name options that an older pytest does not know.
    settings = LANES / "pytest.ini"
    settings.write_text("[pytest]\naddopts = --import-mode=importlib\n", encoding="utf-8")
    collections = {"PYTHONPATH": str(CLONE / "collections")}
    command = [str(home / "bin/pytest"), "-q", "-c", str(settings), "--rootdir", str(CLONE), "-p", "no:cacheprovider"]
    return _run([*command, *tests], collections)


def _cycle(home: Path) -> bool:
    """The demo on a sandbox of the lane's own: two whole releases with this ansible-core."""
    cache = os.environ.get("RELMGMT_CACHE") or str(CLONE / ".sandbox" / "cache")
    own = {"RELMGMT_SANDBOX": str(home / "box"), "RELMGMT_CACHE": cache, "PYTHONPATH": str(CLONE / "sandbox")}
    done = _run([str(home / "bin/python"), "-m", "relmgmt_sandbox.demo"], own)
    return _run([str(home / "bin/python"), "-m", "relmgmt_sandbox", "down"], own) and done


def _run(command: list[str], extra: dict[str, str] | None = None) -> bool:
    environment = {**os.environ, "PATH": f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}", **(extra or {})}
    return subprocess.run(command, cwd=CLONE, env=environment, check=False).returncode == 0


def _word(passed: bool, begin: float, more: str) -> str:
    return f"{'passed' if passed else 'FAILED'} {more} in {time.monotonic() - begin:.0f} s".replace("  ", " ")


if __name__ == "__main__":
    LANES.mkdir(parents=True, exist_ok=True)
    sys.exit(main())
