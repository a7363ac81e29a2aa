# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulated WebSphere cell: the processes, and the calls of AdminApp, AdminConfig, AdminControl and AdminTask.

Built from FACTS 6 alone; imports nothing of the product. What it does not know it refuses.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from .admin import OBJECTS, Session
from .configuration import Configuration, ScriptingError

CELL, MANAGER_NODE = "emulatedCell", "managerNode"
VERSION = "9.0.5.14"


@dataclass
class Server:
    """An application server; ``started``: serial of each application that runs on it, ``properties``: its JVM's."""

    running: bool = True
    started: dict[str, int] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    starts_with: list[str] = field(default_factory=list)


@dataclass
class Node:
    """``held``: the configuration it was synchronized to; ``unpacked_at``: when an application's files are there."""

    managed: bool = True
    agent: bool = True
    servers: dict[str, Server] = field(default_factory=dict)
    held: Configuration = field(default_factory=Configuration)
    unpacked_at: dict[str, float] = field(default_factory=dict)


class Cell:
    """A cell with nodes, each with servers of these names; ``base``: one server that manages itself."""

    def __init__(self, nodes: dict[str, list[str]] | None = None, cluster: str = "", base: bool = False) -> None:
        self.base = base
        named = nodes or {"node1": ["server1"]}
        self.nodes = {name: Node(servers={one: Server() for one in servers}) for name, servers in named.items()}
        self.master = Configuration()
        self.clusters = {cluster: [(n, s) for n, servers in named.items() for s in servers]} if cluster else {}
        self.user, self.password = "", ""
        self.at_a_managed_node = False  # connected to a node agent, whose configuration is a copy
        self.unpacking = 0.0  # seconds that a node takes to unpack an application
        self.late: dict[str, float] = {}  # call: seconds that it takes, on the server's side
        self.hooks: dict[str, list[Callable[[], None]]] = {}
        self.calls: list[str] = []
        self.starts = 0  # of wsadmin
        self._lock = threading.RLock()
        for name, servers in named.items():
            self._configure(name, servers)

    def _configure(self, node: str, servers: list[str]) -> None:
        self.master.add("Node", {"name": node}, f"/Node:{node}/")
        for server in [*servers, *([] if self.base else ["nodeagent"])]:
            made = self.master.add("Server", {"name": server}, f"/Node:{node}/Server:{server}/")
            self.master.add("JavaVirtualMachine", {"of": made, "systemProperties": [], "genericJvmArguments": ""})
            self.master.add("VariableMap", {"entries": []}, f"/Node:{node}/Server:{server}/VariableMap:/")
            point = self.master.add("EndPoint", {"host": "*", "port": "9080"})
            named = self.master.add("NamedEndPoint", {"endPointName": "WC_defaulthost", "endPoint": point})
            entry = {"of": self.master.paths[f"/Node:{node}/"], "serverName": server, "specialEndpoints": [named]}
            self.master.add("ServerEntry", entry)
        for cluster, members in self.clusters.items():
            path = f"/ServerCluster:{cluster}/"
            if path not in self.master.paths:
                self.master.add("ServerCluster", {"name": cluster}, path)
                self.master.add("VariableMap", {"entries": []}, f"{path}VariableMap:/")
            made = self.master.paths[path]
            for at, server in members:
                if at == node:
                    self.master.add("ClusterMember", {"of": made, "memberName": server, "nodeName": node})

    # -- calls -------------------------------------------------------------------------------

    def call(self, session: Session, target: str, method: str, arguments: list[Any], patience: float = 0.0) -> Any:
        """One call. ``patience``: the client's time-out, after which the call goes on here; 0 waits for its end."""
        name = f"{target}.{method}"
        work = getattr(OBJECTS.get(target), method, None)
        if not callable(work) or method.startswith("_"):
            raise ScriptingError(f"WASX7129E: {name} is not a command of the emulated cell", "AttributeError")
        late = self.late.pop(_operation(name, arguments), 0.0)

        def carry_out(own: Session) -> Any:
            with self._lock:
                self.calls.append(_operation(name, arguments))
                for hook in self.hooks.pop(_operation(name, arguments), []):
                    hook()
                return work(OBJECTS[target](self, own), *arguments)

        # What was handed over goes on, whatever the session does meanwhile.
        handed, workspace = copy.copy(session), session.workspace
        if patience and late > patience:
            session.saving.append(handed)
            goes_on = threading.Timer(late - patience, carry_out, [handed])
            goes_on.daemon = True
            goes_on.start()
            raise ScriptingError(
                "ADMC0009E: The system failed to make the SOAP RPC call: msg=Read timed out; "
                "targetException=java.net.SocketTimeoutException: Read timed out",
                "com.ibm.websphere.management.exception.ConnectorException",
            )
        time.sleep(late)
        try:
            return carry_out(handed)
        finally:
            if session.workspace is workspace:
                vars(session).update(vars(handed))

    def before(self, call: str, hook: Callable[[], None]) -> None:
        """Let something happen just before a call, once; for an MBean's operation: ``sync``, ``startApplication``."""
        self.hooks.setdefault(call, []).append(hook)

    # -- situations --------------------------------------------------------------------------

    def add_node(self, name: str, servers: list[str]) -> None:
        """A managed node whose servers are in no cluster, as web servers are."""
        self.nodes[name] = Node(servers={one: Server() for one in servers})
        self._configure(name, servers)

    def save_elsewhere(self, application: str) -> None:
        """Another administrator saves the same application's documents."""
        self.master.serial += 1
        self.keep(application, serial=self.master.serial)

    def keep(self, application: str, **changes: Any) -> None:
        """Change an application in the master configuration, past every session."""
        found = self.master.applications[application]
        self.master.applications[application] = replace(found, **changes)

    def serves(self, node: str, server: str, application: str) -> bytes | None:
        """The EAR whose application runs there; None if none does."""
        serial = self.nodes[node].servers[server].started.get(application)
        held = self.nodes[node].held.applications.get(application)
        return held.ear if held and serial == held.serial and self.nodes[node].servers[server].running else None

    # -- processes ---------------------------------------------------------------------------

    def synchronize(self, node: Node) -> None:
        """Bring the master configuration to a node; what changed is unpacked anew and restarted if it ran."""
        for name, application in self.master.applications.items():
            held = node.held.applications.get(name)
            if held is None or held.serial != application.serial:
                node.unpacked_at[name] = time.monotonic() + self.unpacking
        node.held = self.master.copied()
        for server in node.servers.values():
            server.started = {
                name: self.master.applications[name].serial for name in server.started if name in node.held.applications
            }

    def stop(self, node: str, server: str) -> None:
        """Stop a server; what runs on it starts with it again."""
        state = self.nodes[node].servers[server]
        state.starts_with, state.started, state.running = list(state.started), {}, False

    def start(self, node: str, server: str) -> None:
        """Start a server with what its node holds."""
        held, state = self.nodes[node].held, self.nodes[node].servers[server]
        state.started = {name: held.applications[name].serial for name in state.starts_with}
        state.properties, state.running = held.jvm_properties(node, server), True

    def beans(self) -> Iterator[dict[str, str]]:
        """The names of all MBeans that the connected process sees."""
        kind = "UnManagedProcess" if self.base else "ManagedProcess"
        if not self.base and not self.at_a_managed_node:
            manager = {"type": "Server", "process": "dmgr", "node": MANAGER_NODE, "processType": "DeploymentManager"}
            yield self._named(manager)
        for name, node in self.nodes.items():
            if not node.agent:
                continue  # behind a node agent that is down nothing is seen
            if node.managed and not self.base:
                yield self._named({"type": "NodeSync", "node": name, "process": "nodeagent"})
            for server, state in node.servers.items():
                if state.running:
                    yield self._named({"type": "Server", "process": server, "node": name, "processType": kind})
                    yield self._named({"type": "JVM", "process": server, "node": name})
                    yield self._named({"type": "ApplicationManager", "process": server, "node": name})
                    for one in state.started:
                        yield self._named({"type": "Application", "name": one, "process": server, "node": name})

    def _named(self, keys: dict[str, str]) -> dict[str, str]:
        return {**keys, "cell": CELL, "version": VERSION}

    @property
    def own_node(self) -> str:
        """The node of the connected process."""
        return next(iter(self.nodes)) if self.base else MANAGER_NODE


def _operation(name: str, arguments: list[Any]) -> str:
    """An invoked operation counts under its own name."""
    return str(arguments[1]) if name == "AdminControl.invoke" else name
