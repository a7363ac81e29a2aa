# SPDX-License-Identifier: GPL-3.0-or-later
"""The one port that database engines stand behind.

An engine keeps code either in files beside its datasets (GT.M, YottaDB) or inside a dataset
(Caché, IRIS), and loads it with a compiler of its own or inside a session that may do half
of the work. The port therefore speaks of items, never of files: callers read what is live,
check aside, load the named items, and look again; what a load really did is the loaded
list, not the absence of an error.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Dict, FrozenSet, List, NamedTuple, Optional, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.items import (
    CompileError,
    GlobalChange,
    Item,
    Node,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.steps import parse_entry

RUNNING, DOWN, FROZEN = "running", "down", "frozen"


class Dataset(NamedTuple):
    """One database file of an instance.

    ``journal``: its journal file, empty if journaling is off. ``size`` in bytes.
    ``namespaces``: those whose globals or code lie in it. ``mounted``: whether the engine has it
    open; None where an engine has no such state.
    """

    name: str
    path: str
    size: int
    journal: str = ""
    frozen: bool = False
    namespaces: Tuple[str, ...] = ()
    mounted: Optional[bool] = None


class InstanceInfo(NamedTuple):
    """What was observed of an instance; ``state`` is running, down or frozen.

    ``running``: a process has a dataset open (GT.M has no server), or the instance accepts
    sessions (Caché, IRIS). ``code_in_datasets``: a restore of the datasets brings the
    routines back too. ``product``: what the engine calls itself; ``health``: its own word for how
    it is; ``mirror``: type and status of a mirror member; each empty where there is none.
    """

    engine: str
    name: str
    version: str
    state: str
    namespaces: Tuple[str, ...]
    datasets: Tuple[Dataset, ...]
    code_in_datasets: bool
    product: str = ""
    health: str = ""
    mirror: str = ""


class Attached(NamedTuple):
    """Who has the datasets open: how many ``processes``, ``pids`` as far as they can be seen."""

    processes: int
    pids: Tuple[int, ...]


class Written(NamedTuple):
    """What a write did. ``pids``: processes of ours that wrote to the datasets."""

    names: Tuple[str, ...]
    pids: Tuple[int, ...] = ()


class Called(NamedTuple):
    """What a step answered. ``pid``: the process that ran it, 0 where the engine does not say."""

    result: str
    pid: int


class EngineView(ABC):
    """The code of an M database instance, looked at. Every method may raise EngineError or HostStateUnknown."""

    @abstractmethod
    def read_items(self, names: List[str]) -> Dict[str, Item]:
        """The live items among ``names``; one that is not there is absent from the answer."""


class Engine(EngineView):
    """An M database instance. Every method may raise EngineError or HostStateUnknown."""

    #: what a user says in ``instance.engine``
    engine: str
    #: item types the engine can load, by the last part of the item's name
    loadable: FrozenSet[str]
    #: whether a restore of the datasets brings code back
    code_in_datasets: bool

    @abstractmethod
    def info(self) -> InstanceInfo:
        """Observe the instance; changes nothing that a user could notice."""

    @abstractmethod
    def attached(self) -> Attached:
        """Who has the datasets open now."""

    @abstractmethod
    def home_of(self, name: str) -> str:
        """What an item occupies here; two items of one home cannot both be loaded.

        Raises InvalidInput for a name that the engine cannot hold.
        """

    @abstractmethod
    def check_global_name(self, name: str) -> None:
        """Raise InvalidInput for a global's name that the engine cannot hold."""

    @abstractmethod
    def check_items(self, items: List[Item]) -> List[CompileError]:
        """Compile aside, touching nothing. Engines that cannot return an empty list."""

    @abstractmethod
    def load_items(self, items: List[Item], removes: List[str]) -> Written:
        """Install source and compile it, then remove items; the answer names what was done.

        A failure in the middle leaves a mix: callers keep pre-images and undo.
        """

    @abstractmethod
    def save_items(self, names: List[str], directory: str) -> None:
        """Keep the live items, byte for byte, and note which are absent: durable on return."""

    @abstractmethod
    def put_back_items(self, names: List[str], directory: str) -> Written:
        """Make the named items what ``save_items`` kept in this directory, compiled.

        Idempotent; items that were absent are removed. ``names`` of the answer: those changed.
        """

    @abstractmethod
    def read_global(self, name: str) -> List[Node]:
        """Every node with a value of one global, in collating order; empty if there is none."""

    @abstractmethod
    def read_nodes(self, name: str, subscripts: List[Tuple[str, ...]]) -> List[Node]:
        """Those of the named nodes that have a value."""

    @abstractmethod
    def write_globals(self, changes: List[GlobalChange]) -> Written:
        """All changes, or none, in one transaction; nothing is written if an expectation fails."""

    def check_entry(self, entry: str) -> None:
        """Raise InvalidInput for an entry that the engine cannot call."""
        parse_entry(entry)

    @abstractmethod
    def call(self, entry: str, arguments: List[str], timeout: float) -> Called:
        """Run code of the application with these texts as arguments (``_core/steps.py`` has the names).

        ``$$LABEL^ROUTINE`` and ``##class(Pkg.C).Method``: the result is the value returned;
        ``LABEL^ROUTINE``: what it writes, without line ends at its end. Raises EngineError with
        ``pid`` in its detail where code ran and failed, or did not return in ``timeout`` seconds;
        nothing that the code reads may wait: its standard input is at its end.
        """
