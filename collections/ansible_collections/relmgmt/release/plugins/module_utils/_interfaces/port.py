# SPDX-License-Identifier: GPL-3.0-or-later
"""What test mode needs of the places that hold settings of interfaces, whatever their kind.

An adapter has all settings of its kind on this host, so that they are read, and written, together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import SettingPlace


class Context(NamedTuple):
    """What this host is: its `relmgmt_instance` and `relmgmt_websphere`, each None where it has none.

    `directory`: the host's state directory.
    """

    instance: Optional[Mapping[str, Any]]
    websphere: Optional[Mapping[str, Any]]
    directory: str


class Written(NamedTuple):
    """What a write did. ``pids``: processes of ours that wrote to datasets."""

    pids: Tuple[int, ...] = ()


class Places(ABC):
    """The settings of one adapter on this host. Every method may raise RelmgmtError, naming place and cure.

    A queue comes as a setting with two empty values: it is read only, and what is read is how much waits.
    """

    def __init__(self, settings: Sequence[SettingPlace], context: Context) -> None:
        self.settings = tuple(settings)
        self.context = context

    @abstractmethod
    def read(self) -> Dict[str, Optional[str]]:
        """The value of every setting by its key, as it stands; None: there is none."""

    def check(self, values: Mapping[str, Optional[str]]) -> None:  # noqa: B027 - most adapters refuse nothing
        """Refuse, before anything is touched, what `write` of these values could not do."""

    @abstractmethod
    def write(self, values: Mapping[str, Optional[str]]) -> Written:
        """Give settings (by key; those not named stay) these values, None removes one.

        On return they are durable, and running processes have read them as far as the adapter can see to that.
        What somebody else changed since `read` is noticed and not overwritten, as far as the place allows that.
        The same again changes nothing.
        """

    def pending(self) -> str:
        """Why what stands is not yet in force; empty if it is, or if that cannot be known."""
        return ""

    def close(self) -> None:  # noqa: B027 - most adapters hold nothing
        """Let go of what was opened; the adapter is not used after it."""
