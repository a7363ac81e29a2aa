# SPDX-License-Identifier: GPL-3.0-or-later
"""The integrity check (FACTS 3.5): GT.M's own, on a copy, so that the file stays as it is."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from emulated import lists
from emulated.errors import MError
from emulated.library import status
from emulated.library.database import directory_of
from emulated.machine import Machine
from emulated.registry import entry
from emulated.store import is_database
from emulated.values import Value, text

_NO_ERRORS = "No Errors were found."


def _output(vm: Machine) -> str:
    """The global of the results; Caché's name is [M]."""
    if vm.facts.integrity_global:
        return vm.facts.integrity_global
    return "IRIS.TempIntegrityOutput" if vm.settings.product.iris else "CacheTempIntegrityOutput"


def _file(vm: Machine, directory: str) -> Path:
    """The file of a directory as it is now; a database that is mounted lets go of it first."""
    if vm.globals.ask("mounted", directory) is not None:
        return Path(vm.globals.ask("release", directory))
    return Path(directory) / vm.settings.product.database_file


def check(vm: Machine, directory: str) -> list[str]:
    """What is wrong with a database, [] for nothing."""
    path = _file(vm, directory)
    if not path.exists():
        return [f"{path} does not exist"]
    if not is_database(str(path)):
        return [f"{path} is not a database"]
    with tempfile.TemporaryDirectory(prefix="emulated-") as place:
        copy = shutil.copyfile(path, Path(place) / path.name)
        environment = {**vm.settings.environment(), "emulated_dat": str(copy)}
        done = subprocess.run(
            [f"{vm.settings.gtm_dist}/mupip", "integ", "-file", str(copy)], env=environment, capture_output=True,
            check=False, stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        return []
    return [line for line in done.stderr.decode("latin-1").splitlines() if line.strip()] or ["integrity errors"]


@entry("Integrity", "CheckList", "outglobal=,dirs=,stopAfterAny=0,gloLists=,maxproc=0,partial=0")
def check_list(vm: Machine, outglobal: Value, directories: Value, stop: Value, chosen: Value, processes: Value,
               partial: Value) -> Value:
    """A status; the results stay in a global by process until the caller kills it."""
    if vm.namespace != "%SYS":
        raise MError("NOROUTINE", "*Integrity")
    wanted = [directory_of(each or "") for each in lists.parse(text(directories))] or _mounted(vm)
    output = vm.place(_output(vm), [vm.job])
    output.kill()
    failed = []
    for directory in wanted:
        errors = check(vm, directory)
        where = vm.place(_output(vm), [vm.job, directory])
        where.set(len(errors))
        for number, line in enumerate(errors, 1):
            vm.place(_output(vm), [vm.job, directory, number]).set(line)
        failed += [directory] if errors else []
    return status.error(7000, ", ".join(failed)) if failed else status.OK


def _mounted(vm: Machine) -> list[str]:
    return [each for each in vm.globals.ask("directories") if vm.globals.ask("mounted", each)["mounted"]]


@entry("Integrity", "Display", "outglobal=,flags=0,dirsum=1")
def display(vm: Machine, outglobal: Value, flags: Value, dirsum: Value) -> None:
    errors = 0
    for subscripts, value in vm.place(_output(vm), [vm.job]).nodes():
        if len(subscripts) == 2:
            errors += 1
            vm.devices.current.write(f"{text(subscripts[0])}: {text(value)}\n")
    if not errors:
        vm.devices.current.write(_NO_ERRORS + "\n")


@entry("Integrity", "Silent", "log,dirlist=")
def silent(vm: Machine, log: Value, directories: Value) -> None:
    """Legacy: the result is the text of a file."""
    lines = []
    for directory in [directory_of(each or "") for each in lists.parse(text(directories))] or _mounted(vm):
        lines += [f"---Directory {directory}---", *(check(vm, directory) or [_NO_ERRORS])]
    Path(text(log)).write_text("\n".join(lines) + "\n", encoding="utf-8")
