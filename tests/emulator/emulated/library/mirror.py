# SPDX-License-Identifier: GPL-3.0-or-later
"""$SYSTEM.Mirror: the role of this member (FACTS 3.6)."""

from __future__ import annotations

from emulated.machine import Machine
from emulated.registry import method
from emulated.values import Value


def _backup(vm: Machine) -> bool:
    return bool(vm.settings.scenario.mirror_backup)


@method("%SYSTEM.Mirror", "IsMember")
def is_member(vm: Machine) -> Value:
    return int(_backup(vm))


@method("%SYSTEM.Mirror", "IsPrimary")
@method("%SYSTEM.Mirror", "IsAsyncMember")
def is_no(vm: Machine) -> Value:
    return 0


@method("%SYSTEM.Mirror", "IsBackup")
def is_backup(vm: Machine) -> Value:
    return int(_backup(vm))


@method("%SYSTEM.Mirror", "MirrorName")
def mirror_name(vm: Machine) -> Value:
    return "CFISMIRROR" if _backup(vm) else ""


@method("%SYSTEM.Mirror", "GetMemberType")
def member_type(vm: Machine) -> Value:
    return "Backup" if _backup(vm) else "Not Member"
