# SPDX-License-Identifier: GPL-3.0-or-later
"""%Library.File: what code needs around Load and Export; part of the language, like OPEN and USE."""

from __future__ import annotations

import os

from emulated.machine import Machine
from emulated.registry import BASES, method
from emulated.values import Value, text

BASES["%File"] = "%Library.File"


@method("%Library.File", "Exists", "filename")
def exists(vm: Machine, filename: Value) -> Value:
    return int(os.path.isfile(text(filename)))


@method("%Library.File", "DirectoryExists", "dirname")
def directory_exists(vm: Machine, directory: Value) -> Value:
    return int(os.path.isdir(text(directory)))


@method("%Library.File", "GetFileSize", "filename")
def size(vm: Machine, filename: Value) -> Value:
    try:
        return os.path.getsize(text(filename))
    except OSError:
        return -1


@method("%Library.File", "Delete", "filename")
def delete(vm: Machine, filename: Value) -> Value:
    try:
        os.unlink(text(filename))
    except OSError:
        return 0
    return 1


@method("%Library.File", "CreateDirectoryChain", "dirname")
def create_chain(vm: Machine, directory: Value) -> Value:
    try:
        os.makedirs(text(directory), exist_ok=True)
    except OSError:
        return 0
    return 1


@method("%Library.File", "ManagerDirectory")
def manager_directory(vm: Machine) -> Value:
    return f"{vm.settings.manager}/"
