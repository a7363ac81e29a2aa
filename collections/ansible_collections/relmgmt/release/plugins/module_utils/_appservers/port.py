# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release needs of an application server, whichever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Dict, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import Deployed, WebApp
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError

if TYPE_CHECKING:
    from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import Observed, Setting

RUNNING, STOPPED, UNKNOWN = "running", "stopped", "unknown"


class Kept(NamedTuple):
    """What was current before a change, durably kept.

    `war`: path of a copy of the prior WAR, None when there was none; `sha256`: its digest.
    `recipe`: JSON-able, everything the same adapter needs to put it back, in another process, later.
    """

    war: Optional[str]
    sha256: str
    recipe: Dict[str, Any]


class AppServerView(ABC):
    """A server, or a cell with its cluster, that is only looked at."""

    place: str  # server (or cluster) as messages name it

    def close(self) -> None:  # noqa: B027 - most adapters hold nothing
        """Let go of what was opened to speak to the server; the adapter is not used after it."""

    @abstractmethod
    def state(self) -> str:
        """RUNNING, STOPPED or UNKNOWN: observed, never assumed."""

    @abstractmethod
    def observe(self, app: WebApp) -> Deployed:
        """What is installed, told by the digest of the very file the server was given, and its state."""

    def observe_settings(self, settings: Sequence[Setting]) -> Observed:
        """Values by key as they stand; that of a fragment or library is the SHA-256 of its very file."""
        raise self._no_settings()

    def _no_settings(self) -> AppServerError:
        cure = "take the configuration out of the release and have the administrator make it"
        return AppServerError("this kind of server takes no configuration from a release", self.place, cure)


class AppServer(AppServerView):
    """One server, or one cell with its cluster: the unit that a package is deployed to.

    A deployment is one call: where an adapter pays dearly for a start (wsadmin) it does cutover,
    save, distribution to the nodes (T10) and start in one go. Errors are AppServerError with place and cure.
    """

    def refresh(self) -> None:
        """Before another application, or other settings: nothing of what was done before is left open or remembered."""

    @abstractmethod
    def require_running(self) -> None:
        """Raise, naming server and cure, unless the server runs."""

    def require_ready(self, app: WebApp) -> None:
        """Raise, before anything is touched, unless the server runs and this application can be changed on it."""
        self.require_running()

    @abstractmethod
    def installed_war(self, app: WebApp) -> Optional[str]:
        """A local path of the WAR that is installed now (exported if need be), for diffs."""

    @abstractmethod
    def keep(self, app: WebApp, directory: str) -> Kept:
        """Keep package and configuration of the application in `directory`, synced."""

    @abstractmethod
    def deploy(self, app: WebApp, war: str) -> Dict[str, Any]:
        """Make the file `war` the application, wait until this deployment runs; returns what was observed."""

    @abstractmethod
    def put_back(self, app: WebApp, kept: Dict[str, Any]) -> Dict[str, Any]:
        """Make the application what `keep` found, or remove it if there was none; idempotent.

        A server that is down gets its files back and the answer says {"server": "stopped"}.
        With `was_started` false in `kept` the application did not run before: nothing is waited for.
        """

    @abstractmethod
    def forget_older(self, app: WebApp, keep: "set[str]") -> None:
        """Remove package files of the application whose digests are not in `keep`."""

    # -- configuration changes of a release; an adapter that has none refuses them ------------

    def check_settings(self, settings: Sequence[Setting], files: Mapping[str, str]) -> None:
        """Refuse, before anything is touched, what cannot be applied; `files`: local paths by key."""
        raise self._no_settings()

    def keep_settings(self, settings: Sequence[Setting], directory: str) -> Dict[str, str]:
        """Keep the files of those that stand in `directory`, synced; returns their names there by key."""
        raise self._no_settings()

    def apply_settings(self, settings: Sequence[Setting], files: Mapping[str, str]) -> Dict[str, Any]:
        """Bring these into force, those without a value out of it; returns what was observed.

        The answer has `changed`, `restarted` (the server was started anew) and `errors` of the server's log. One that
        is down gets its files, and the answer says {"server": "stopped"}. The same again changes nothing.
        """
        raise self._no_settings()
