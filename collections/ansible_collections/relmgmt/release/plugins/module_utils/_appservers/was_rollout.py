# SPDX-License-Identifier: GPL-3.0-or-later
"""From the workspace to users: save, distribute node by node, start server by server, each step looked at.

A time-out of the client says nothing about the server, which goes on (FACTS 6.2): after one the cell is asked what
has become of the step, and the step is never simply done again.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any, Callable, Dict, List

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_options import SERVERS, Place
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_rollout_view import BASE, RolloutView
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_session import (
    RequestFailed,
    SessionLost,
    WasSession,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.was_answers import TIMEOUT, distributions
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    AppServerError,
    HostStateUnknown,
    RelmgmtError,
)

_POLL_SECONDS = 1.0
_AGAIN = "then run again: it goes on where it stopped"


class Rollout(RolloutView):
    """The way of one change through a cell."""

    def __init__(
        self, wsadmin: WasSession, places: List[Place], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(wsadmin, places)
        self._sleep = sleep
        #: what a person may want to know of the way, in order
        self.notes: List[str] = []

    # -- saving ------------------------------------------------------------------------------

    def save(self, arrived: Callable[[], bool]) -> None:
        """Save the workspace; ``arrived`` looks whether the master configuration holds the change."""
        try:
            self._session.request("save")
        except RequestFailed as error:
            if error.kind != TIMEOUT:
                self.drop()
                raise
            self._session.begin_anew()  # the workspace so far is what is being saved
            self.wait(arrived, "the saved configuration", self._options.place)
            self.notes.append("saving timed out at the client; the deployment manager had gone on")

    def drop(self) -> None:
        """Forget what was not saved."""
        with contextlib.suppress(RelmgmtError):
            self._session.request("reset")

    # -- distributing and starting -------------------------------------------------------------

    def carry_out(self, application: str, start: bool, changed: bool) -> None:
        """Bring the saved configuration to every node, node after node, and start the application there.

        ``changed``: this run saved something, so that what runs anywhere is the older application.
        """
        if self._session.connect().process == BASE:
            self._await_ready(application)
            self.start_on(application, self.places if start else [])
        elif start and self._options.rollout == SERVERS:
            self._product_rollout(application, changed)
        else:
            nodes = self.nodes()
            for node in nodes:
                if node["managed"]:
                    self._carry_out_on(node, self.places, application, start, changed)
            if start and all(node["managed"] for node in nodes):
                self._await_ready(application)
        if start:
            self._verify(application, self.places)

    def go_back(self, application: str, start: bool, changed: bool) -> List[Place]:
        """The same on the way back: what cannot go back keeps no other node from it, and is told at the end.

        Returns the servers that are stopped: they have the older application's files and start with them.
        """
        stopped = [Place(one["node"], one["server"]) for one in self.servers("-") if not one["running"]]
        all_up = not stopped and all(node["agent"] for node in self.nodes() if node["managed"])
        if self._session.connect().process == BASE or (all_up and start and self._options.rollout == SERVERS):
            self.carry_out(application, start, changed)
            return []
        running = [place for place in self.places if place not in stopped]
        self._on_every_node(lambda node: self._carry_out_on(node, running, application, start, changed))
        if start:
            self._verify(application, running)
        self.notes += ["server %s is stopped: it has the files, and starts with them" % (place,) for place in stopped]
        return stopped

    def distribute(self) -> None:
        """Bring the saved configuration to every node; nothing is started or stopped."""
        self._on_every_node(self._synchronize)

    def _on_every_node(self, work: Callable[[Dict[str, Any]], None]) -> None:
        """Do it on each managed node; those where it fails are told at the end."""
        failed: Dict[str, RelmgmtError] = {}
        for node in self.nodes():
            try:
                if node["managed"]:
                    work(node)
            except SessionLost:
                raise
            except RelmgmtError as error:
                failed[node["node"]] = error
        if failed:
            told = "; ".join("node %s: %s" % (name, error.message) for name, error in failed.items())
            cure = "; ".join(dict.fromkeys(error.cure for error in failed.values()))
            raise AppServerError("not on every node: %s" % told, self._options.place, cure)

    def stop_on(self, application: str, places: List[Place]) -> None:
        """Stop the application where it runs; one that is stopped is fine (T12)."""
        for place in places:
            self._switch("stopApplication", application, place)
            self._await_seen(application, place, started=False)

    def _carry_out_on(
        self, node: Dict[str, Any], servers: List[Place], application: str, start: bool, changed: bool
    ) -> None:
        places = [place for place in servers if place.node == node["node"]]
        if changed or node["synchronized"] != "true":
            # Stopped first: an application that runs is restarted by the product some time after the
            # synchronisation, and what is seen started could still be the older one.
            if node["agent"]:
                self.stop_on(application, places)
            self._synchronize(node)
        if start and places:
            self._await_distribution(application, node["node"])
            self.start_on(application, places)

    def _synchronize(self, node: Dict[str, Any]) -> None:
        name = node["node"]
        try:
            said = self._session.request("sync", cell=self._session.connect().cell, node=name)
        except RequestFailed as error:
            if error.kind != TIMEOUT:
                message = "node %s was not synchronized: %s" % (name, error.message)
                raise AppServerError(message, "node %s" % name, "see its node agent, %s" % _AGAIN) from error
            self._await_in_sync(name)
            self.notes.append("the synchronisation of node %s timed out at the client; the node had gone on" % name)
            return
        if not said["agent"]:
            raise self._agent_down(name)
        if said["answer"] != "true":
            message = "node %s was not synchronized: it answered %r" % (name, said["answer"])
            raise AppServerError(message, "node %s" % name, "read SystemOut.log of its node agent, %s" % _AGAIN)

    def _await_in_sync(self, name: str) -> None:
        def in_sync() -> bool:
            return any(node["node"] == name and node["synchronized"] == "true" for node in self.nodes())

        self.wait(in_sync, "the synchronisation of node %s" % name, "node %s" % name)

    def _agent_down(self, name: str) -> AppServerError:
        message = "node %s cannot be synchronized: its node agent is down" % name
        return AppServerError(message, "node %s" % name, "start it there (startNode.sh), %s" % _AGAIN)

    def _await_distribution(self, application: str, node: str) -> None:
        """T10: an application is started only where its files are unpacked."""

        def there() -> bool:
            said = self._session.request("distribution", application=application)
            found = distributions(said["status"]).get(node)
            return found is not None and found.complete

        self.wait(there, "the files of application %s on node %s" % (application, node), "node %s" % node)

    def _await_ready(self, application: str) -> None:
        def ready() -> bool:
            said = self._session.request("distribution", application=application)
            return bool(said["ready"] == "true")

        self.wait(ready, "application %s to be ready to start" % application, self._options.place)

    def start_on(self, application: str, places: List[Place]) -> None:
        """Start the application where it does not run, and wait until it does."""
        for place in places:
            self._switch("startApplication", application, place)
            self._await_seen(application, place, started=True)

    def _switch(self, operation: str, application: str, place: Place) -> None:
        named = dict(place._asdict(), cell=self._session.connect().cell)
        try:
            said = self._session.request("switch", operation=operation, application=application, **named)
        except RequestFailed as error:
            if error.kind == TIMEOUT:
                self.notes.append("%s on %s timed out at the client" % (operation, place))
                return
            message = "%s of application %s failed on %s: %s" % (operation, application, place, error.message)
            cure = "read SystemOut.log of server %s on node %s" % (place.server, place.node)
            raise AppServerError(message, "server %s" % (place,), cure) from error
        if not said["manager"]:
            message = "server %s is not running" % (place,)
            raise AppServerError(message, "server %s" % (place,), "start it, %s" % _AGAIN)

    def _await_seen(self, application: str, place: Place, started: bool) -> None:
        """Wait until the application runs on the server, or runs there no more."""
        what = "application %s to %s on %s" % (application, "start" if started else "stop", place)
        self.wait(lambda: (place in self._started(application)) == started, what, "server %s" % (place,))

    def _started(self, application: str) -> List[Place]:
        return [Place(one["node"], one["server"]) for one in self.servers(application) if one["started"]]

    def _product_rollout(self, application: str, changed: bool) -> None:
        """updateAppOnCluster: the servers of a node are stopped, the node is synchronized, they start again."""
        behind = {node["node"] for node in self.nodes() if node["managed"] and node["synchronized"] != "true"}
        own = {place.node for place in self.places}
        if changed or behind & own or len(self._started(application)) != len(self.places):
            self._update_cluster(application)
        for node in self.nodes():  # those of web servers alone: the product does the cluster's
            if node["node"] not in own and node["managed"] and node["synchronized"] != "true":
                self._synchronize(node)

    def _update_cluster(self, application: str) -> None:
        try:
            self._session.request("rollout", application=application, seconds=self._options.start_timeout)
        except RequestFailed as error:
            if error.kind != TIMEOUT:
                raise
            self.notes.append("the rollout timed out at the client; the deployment manager had gone on")
        for place in self.places:
            self._await_in_sync(place.node)
            self._await_seen(application, place, started=True)

    def _verify(self, application: str, places: List[Place]) -> None:
        """Per server, once all is done: a start seen on the first node says nothing about the last."""
        started = self._started(application)
        missing = [str(place) for place in places if place not in started]
        if missing:
            message = "application %s is not running on %s" % (application, ", ".join(missing))
            raise AppServerError(message, self._options.place, "read SystemOut.log there, %s" % _AGAIN)

    def wait(self, done: Callable[[], bool], what: str, place: str) -> None:
        """Look until it is done. Raises HostStateUnknown, naming the place, when time is over."""
        deadline = time.monotonic() + self._options.start_timeout
        while not done():
            if time.monotonic() >= deadline:
                message = "waited %d s in vain for %s" % (self._options.start_timeout, what)
                raise HostStateUnknown(message, place, "look at that place in the console, %s" % _AGAIN)
            self._sleep(_POLL_SECONDS)
