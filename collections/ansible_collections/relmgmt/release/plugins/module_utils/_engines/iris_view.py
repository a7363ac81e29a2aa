# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be observed of a Caché or IRIS instance: state from qlist, databases from the CPF, the rest by a session."""

from __future__ import annotations

import os
from typing import Dict, List, NamedTuple, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._backup.fence import refuse_half_restored
from ansible_collections.relmgmt.release.plugins.module_utils._core import iris_cpf
from ansible_collections.relmgmt.release.plugins.module_utils._core.iris_cpf import Configuration, Database
from ansible_collections.relmgmt.release.plugins.module_utils._core.iris_qlist import Status
from ansible_collections.relmgmt.release.plugins.module_utils._core.objectscript import saying
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_terminal import SYSTEM, IrisTerminal
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import (
    DOWN,
    FROZEN,
    RUNNING,
    Attached,
    Dataset,
    InstanceInfo,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError, HostStateUnknown, Refused

#: exit statuses of the calls that are made for them (FACTS 3.1, T17)
DONE, NOT_DONE = 5, 3
HUNG = "hung"
FROZEN_CALL = "##class(Backup.General).IsWDSuspendedExt()"
PROCESSES = (
    'set rmK="" for  set rmK=$order(^$job(rmK)) quit:rmK=""  '
    "set rmO=##class(%SYS.ProcessQuery).%OpenId(rmK) xecute:$isobject(rmO) rmF"
)


class Place(NamedTuple):
    """A database of the application: its name, its directory (with a slash), its file."""

    name: str
    directory: str
    path: str


def info(terminal: IrisTerminal) -> InstanceInfo:
    """State, version, namespaces, datasets. A dataset that is missing makes the state unknown."""
    status = terminal.status()
    if not status.down:
        terminal.require_ready()
    refuse_half_restored(configuration_file(status))
    configuration = configured(terminal, status)
    held = places(terminal, status, configuration)
    there: Dict[str, bool] = {}
    journal, frozen = "", False
    if status.ready:
        there, journal = seen(terminal, held)
        frozen = is_frozen(terminal)
    datasets = tuple(
        Dataset(one.name, one.path, _size(one.path), journal, frozen, configuration.namespaces_of(one.name),
                there.get(one.name, False))
        for one in held
    )
    return InstanceInfo(
        "iris", terminal.name, status.version, FROZEN if frozen else RUNNING if status.ready else DOWN,
        tuple(sorted(configuration.namespaces)), datasets, True, status.product, status.health,
        " ".join(part for part in (status.mirror_type, status.mirror_status) if part),
    )


def configured(terminal: IrisTerminal, status: Status) -> Configuration:
    """Databases and namespaces, as the CPF says."""
    path = configuration_file(status)
    try:
        with open(path, "rb") as stream:
            return iris_cpf.parse(stream.read().decode("utf-8", "surrogateescape"), path)
    except OSError as error:
        raise HostStateUnknown(
            f"the configuration file cannot be read: {error.strerror}", place=path,
            cure="run as a user that may read it: the instance's owner, or root",
        ) from error


def configuration_file(status: Status) -> str:
    """The CPF; what is known of the instance beside its datasets lies beside it."""
    return os.path.join(status.data_directory, status.configuration)


def places(terminal: IrisTerminal, status: Status, configuration: Configuration) -> List[Place]:
    """The databases that count: those the inventory names, or those of the namespace."""
    options = terminal.options
    chosen = configuration.chosen(list(options.databases), options.namespace, terminal.place)
    return [_place(one, status) for one in chosen]


def attached(terminal: IrisTerminal) -> Attached:
    """Processes in namespaces that lie in these datasets; the product's own are in %SYS."""
    status = terminal.status()
    if status.down:
        return Attached(0, ())
    terminal.require_ready()
    configuration = configured(terminal, status)
    mine = {name for one in places(terminal, status, configuration) for name in configuration.namespaces_of(one.name)}
    script = terminal.script().text("rmF", saying("PR", "rmK", "rmO.NameSpace")).run(PROCESSES)
    try:
        said = terminal.talk(script, SYSTEM)
    except EngineError as error:
        raise HostStateUnknown(
            f"the instance does not list its processes: {error.message}", place=terminal.place,
            cure="give the session's user the right to see processes (resource %Admin_Operate)",
        ) from error
    pids = sorted(
        int(pid) for pid, namespace in said.fields("PR")
        if namespace.upper() in mine and pid.isdigit() and int(pid) != said.pid
    )
    return Attached(len(pids), tuple(pids))


def is_frozen(terminal: IrisTerminal) -> bool:
    """Whether physical writes are suspended. Raises HostStateUnknown for an answer that is neither."""
    ended = terminal.status_of(FROZEN_CALL)
    if ended.rc in (DONE, NOT_DONE):
        return ended.rc == DONE
    # Where the user has a start-up namespace, -U has no effect and the class is not there (FACTS 1.2).
    script = terminal.script().say("WD", "##class(Backup.General).IsWDSuspended()")
    answer = terminal.talk(script, SYSTEM).first("WD")
    if answer not in (("0",), ("1",)):
        raise HostStateUnknown(
            f"IsWDSuspendedExt ended with status {ended.rc}, neither {DONE} (frozen) nor {NOT_DONE} (not): "
            f"{terminal.tail(ended.text)}", place=terminal.place, cure="see the instance's log",
        )
    return answer == ("1",)


def require_changeable(terminal: IrisTerminal) -> Status:
    """The instance runs, is not half restored, and may be changed here."""
    status = terminal.require_ready()
    refuse_half_restored(configuration_file(status))
    require_primary(terminal, status)
    if status.health == HUNG:
        raise HostStateUnknown(
            "the instance says of itself that it hangs", place=terminal.place,
            cure="see cconsole.log or messages.log of the instance",
        )
    return status


def require_primary(terminal: IrisTerminal, status: Status) -> None:
    """Refuse on a mirror member that is not the primary: its databases are read-only (FACTS 3.6)."""
    if not status.takes_changes:
        raise Refused(
            f"the instance is a mirror member of type {status.mirror_type}, status {status.mirror_status}",
            place=terminal.place, cure="carry the change out on the primary",
        )


def seen(terminal: IrisTerminal, held: List[Place]) -> Tuple[Dict[str, bool], str]:
    """Which databases are mounted, and the journal file in use."""
    script = terminal.script()
    for number, one in enumerate(held):
        script.text("rmF", one.directory).do("set rmO=##class(SYS.Database).%OpenId(rmF),rmB=0")
        script.do("set:$isobject(rmO) rmB=rmO.Mounted").say("DB", str(number), "rmB")
    script.say("JN", "##class(%SYS.Journal.System).GetCurrentFileName()")
    said = terminal.talk(script, SYSTEM)
    return {held[int(number)].name: there == "1" for number, there in said.fields("DB")}, said.first("JN")[0]


def _place(database: Database, status: Status) -> Place:
    return Place(database.name, database.directory, database.directory + status.dataset_file)


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError as error:
        raise HostStateUnknown(
            f"a dataset cannot be seen: {error.strerror}", place=path, cure="restore it from a backup set, "
            "or run as a user that may see it",
        ) from error
