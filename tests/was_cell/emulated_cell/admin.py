# SPDX-License-Identifier: GPL-3.0-or-later
"""The four objects that wsadmin gives a script, answering as FACTS 6.3 to 6.6 say."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .configuration import Application, Configuration, ScriptingError, carried_bindings, references

if TYPE_CHECKING:
    from .cell import Cell, Node, Server

CELL = "emulatedCell"


class Session:
    """A session's workspace: a copy of the master configuration that only a save makes known."""

    def __init__(self) -> None:
        self.workspace: Configuration | None = None
        self.base: dict[str, int] = {}
        self.touched: set[str] = set()
        self.saving: list[Session] = []  # saves of it that still go on, from the very files of its workspace
        self.overwrites = True


class _Admin:
    def __init__(self, cell: Cell, session: Session) -> None:
        self.cell = cell
        self.session = session

    @property
    def seen(self) -> Configuration:
        """The configuration as this session sees it."""
        return self.session.workspace or self.cell.master

    def _changed(self, touched: str) -> Configuration:
        if self.session.workspace is None:
            self.session.workspace = self.cell.master.copied()
            self.session.base = {name: one.serial for name, one in self.cell.master.applications.items()}
        self.session.touched.add(touched)
        return self.session.workspace

    def _application(self, name: str) -> Application:
        if name not in self.seen.applications:
            raise ScriptingError(f'WASX7280E: An application with name "{name}" does not exist.')
        return self.seen.applications[name]


class AdminApp(_Admin):
    """Applications."""

    def install(self, file: str, options: list[Any]) -> str:
        given = _options(options)
        name = given["-appname"]
        if name in self.seen.applications:
            raise ScriptingError(f'WASX7279E: An application with name "{name}" already exists. ADMA5014E')
        if f"WebSphere:blaname={name}" in self.seen.orphans:
            raise ScriptingError(f"ADMA5014E: A composition unit with name {name} already exists.")
        self._put(name, file, given, {})
        return f"ADMA5013I: Application {name} installed successfully."

    def update(self, name: str, content_type: str, options: list[Any]) -> str:
        given = _options(options)
        if content_type != "app" or given["-operation"] != "update":
            raise ScriptingError("WASX7327E: only the update of a whole application is emulated")
        kept = {} if "-update.ignore.old" in given else self._application(name).bindings
        self._put(name, given["-contents"], given, kept)
        return ""

    def _put(self, name: str, file: str, given: dict[str, Any], kept: dict[str, str]) -> None:
        path = Path(file)
        if path.suffix != ".ear" or not path.is_file():
            raise ScriptingError(f"WASX7115E: Cannot read input file {file}")
        ear = path.read_bytes()
        targets = tuple(_row(given, "-MapModulesToServers").split("+"))
        for target in targets:
            self._check_target(target)
        bindings = {key: value for key, value in {**carried_bindings(ear), **kept}.items() if key in references(ear)}
        made = Application(
            name, ear, _row(given, "-CtxRootForWebMod"), targets, _row(given, "-MapWebModToVH"), bindings,
            self.cell.master.serial + 1,
        )
        self._changed(name).applications[name] = made
        if b"BROKEN" in ear:  # found out late: what was done stays in the workspace
            raise ScriptingError("ADMA0010E: validation error in WEB-INF/web.xml. ADMA5014E")

    def _check_target(self, target: str) -> None:
        keys = dict(part.split("=", 1) for part in target.removeprefix("WebSphere:").split(","))
        path = "/ServerCluster:{cluster}/" if "cluster" in keys else "/Node:{node}/Server:{server}/"
        if keys["cell"] != CELL or path.format(**keys) not in self.seen.paths:
            raise ScriptingError(f"ADMA0116W ADMA5014E: {target} does not exist")

    def uninstall(self, name: str) -> str:
        self._application(name)
        del self._changed(name).applications[name]
        return f"ADMA5106I: Application {name} uninstalled successfully."

    def export(self, name: str, file: str) -> str:
        Path(file).write_bytes(self._application(name).exported())
        return ""

    def view(self, name: str) -> str:
        return self._application(name).view()

    def listModules(self, name: str, flag: str) -> str:
        one = self._application(name)
        assert flag == "-server"
        return f"{name}#{one.module}+WEB-INF/web.xml#{'+'.join(one.targets)}"

    def getDeployStatus(self, name: str) -> str:
        lines = [
            f"WebSphere:cell={CELL},node={node},distribution={_text(self._held(state, name))},"
            f"expansion={'notprocessing' if self._unpacked(state, name) else 'expanding'}"
            for node, state in self.cell.nodes.items() if state.managed
        ]
        return "\n".join(lines)

    def isAppReady(self, name: str) -> str:
        return _text(all(
            self._held(node, name) and self._unpacked(node, name) for node in self.cell.nodes.values() if node.managed
        ))

    def _held(self, node: Node, name: str) -> bool:
        wanted, held = self.cell.master.applications.get(name), node.held.applications.get(name)
        return wanted is not None and held is not None and wanted.serial == held.serial

    def _unpacked(self, node: Node, name: str) -> bool:
        return time.monotonic() >= node.unpacked_at.get(name, 0.0)


class AdminConfig(_Admin):
    """The configuration."""

    def getid(self, path: str) -> str:
        kind, name = path.strip("/").split("/")[-1].split(":", 1)
        if kind == "Deployment":
            there = name in self.seen.applications
            return f"{name}(cells/{CELL}/applications/{name}.ear|deployment.xml#Deployment_1)" if there else ""
        return self.seen.paths.get(path, "")

    def list(self, kind: str, scope: str) -> str:
        objects = self.seen.objects.items()
        return "\n".join(key for key, (one, attributes) in objects if one == kind and attributes.get("of") == scope)

    def showAttribute(self, made: str, name: str) -> str | None:
        attributes = self._object(made)
        value = attributes.get(name)
        if isinstance(value, list):
            return "[" + " ".join(f'"{one}"' if " " in one else one for one in value) + "]"
        return None if value is None else str(value)

    def modify(self, made: str, attributes: list[list[str]]) -> str:
        self._change(made).update(_pairs(attributes))
        return ""

    def unsetAttributes(self, made: str, names: list[str]) -> str:
        for name in names:
            self._change(made).pop(name, None)
        return ""

    def create(self, kind: str, parent: str, attributes: list[list[str]], attribute: str) -> str:
        holder = self._change(parent)
        made = self._changed("configuration").add(kind, _pairs(attributes))
        held = holder[attribute]
        assert isinstance(held, list)
        holder[attribute] = [*held, made]
        return made

    def remove(self, made: str) -> str:
        self._object(made)
        workspace = self._changed("configuration")
        del workspace.objects[made]
        for _kind, attributes in workspace.objects.values():
            for name, value in attributes.items():
                if isinstance(value, list) and made in value:
                    attributes[name] = [one for one in value if one != made]
        return ""

    def _object(self, made: str) -> dict[str, Any]:
        if made not in self.seen.objects:
            raise ScriptingError(f"WASX7011E: Cannot find object {made}")
        return self.seen.objects[made][1]

    def _change(self, made: str) -> dict[str, Any]:
        self._object(made)
        return self._changed("configuration").objects[made][1]

    def existsDocument(self, uri: str) -> int:
        return int(self._document(uri) is not None)

    def extract(self, uri: str, file: str) -> str:
        data = self._document(uri)
        if data is None:
            raise ScriptingError(f"ADMR0104E: document {uri} does not exist")
        Path(file).write_bytes(data)
        return "digest"

    def _document(self, uri: str) -> bytes | None:
        for name, one in self.seen.applications.items():
            ear = f"cells/{CELL}/applications/{name}.ear"
            deployed = f"{ear}/deployments/{name}"
            documents = {
                f"{ear}/{name}.ear": one.ear, f"{deployed}/META-INF/application.xml": one.descriptor(),
                f"{deployed}/{one.module}/WEB-INF/ibm-web-bnd.xml": one.binding_document(),
            }
            if uri in documents:
                return documents[uri]
        return None

    def hasChanges(self) -> int:
        return int(bool(self.session.touched))

    def setSaveMode(self, mode: str) -> str:
        self.session.overwrites = {"rollbackOnConflict": False, "overwriteOnConflict": True}[mode]
        return ""

    def save(self) -> str:
        """Only what this session touched; a document that was saved by another session meanwhile is a conflict."""
        master, workspace = self.cell.master, self.session.workspace
        assert workspace is not None
        names = self.session.touched - {"configuration"}
        for name in names:
            current = master.applications.get(name)
            is_conflict = (current.serial if current else None) != self.session.base.get(name)
            if is_conflict and not self.session.overwrites:
                raise ScriptingError(
                    "com.ibm.ws.sm.workspace.WorkSpaceException: save conflict: "
                    f"cells/{CELL}/applications/{name}.ear/deployments/{name}/deployment.xml",
                    "com.ibm.websphere.management.exception.ConfigServiceException",
                )
        master.serial += 1
        for name in names:
            if name in workspace.applications:
                master.applications[name] = replace(workspace.applications[name], serial=master.serial)
            else:
                master.applications.pop(name, None)
        if "configuration" in self.session.touched:
            master.objects, master.paths, master.made = workspace.objects, workspace.paths, workspace.made
        self.reset()
        if self.cell.base:
            for node in self.cell.nodes.values():
                self.cell.synchronize(node)
        return ""

    def reset(self) -> str:
        for one in self.session.saving:
            one.touched = set()
        self.session.workspace, self.session.base, self.session.touched = None, {}, set()
        return ""


class AdminControl(_Admin):
    """MBeans."""

    def getNode(self) -> str:
        return self.cell.own_node

    def getCell(self) -> str:
        return CELL

    def queryNames(self, pattern: str) -> str:
        wanted = dict(part.split("=", 1) for part in pattern.split(",") if part != "*")
        found = [bean for bean in self.cell.beans() if all(bean.get(key) == value for key, value in wanted.items())]
        return "\n".join("WebSphere:" + ",".join(f"{key}={value}" for key, value in bean.items()) for bean in found)

    def completeObjectName(self, pattern: str) -> str:
        return self.queryNames(pattern).split("\n")[0]

    def invoke(self, bean: str, operation: str, *arguments: str) -> str:
        keys = dict(part.split("=", 1) for part in bean.removeprefix("WebSphere:").split(","))
        if not self.queryNames(bean.removeprefix("WebSphere:") + ",*"):
            raise ScriptingError(f"ADMC0016E: {bean} is not there", "javax.management.InstanceNotFoundException")
        node = self.cell.nodes[keys["node"]]
        operations = {
            ("NodeSync", "sync"): self._sync, ("NodeSync", "isNodeSynchronized"): self._is_synchronized,
            ("ApplicationManager", "startApplication"): self._start,
            ("ApplicationManager", "stopApplication"): self._stop, ("JVM", "getProperty"): self._property,
        }
        if (keys["type"], operation) not in operations:
            raise ScriptingError(f"ADMN0034E: {bean} has no operation {operation}")
        return operations[keys["type"], operation](node, node.servers.get(keys["process"]), *arguments)

    def stopServer(self, server: str, node: str) -> str:
        self._require_agent(node)
        self.cell.stop(node, server)
        return f"WASX7337I: Invoked stop for server {server}"

    def startServer(self, server: str, node: str) -> str:
        self._require_agent(node)
        if self.cell.nodes[node].servers[server].running:
            raise ScriptingError(f"WASX7288E: server {server} is running already")
        self.cell.start(node, server)
        return f"WASX7262I: Start completed for server {server} on node {node}"

    def _require_agent(self, node: str) -> None:
        if not self.cell.nodes[node].agent or self.cell.base:
            raise ScriptingError(f"WASX7253E: no node agent on node {node}")

    def _property(self, _node: Node, server: Server | None, name: str) -> str | None:
        assert server is not None
        return server.properties.get(name)

    def _sync(self, node: Node, _server: Server | None) -> str:
        self.cell.synchronize(node)
        return "true"

    def _is_synchronized(self, node: Node, _server: Server | None) -> str:
        return _text(node.held.serial == self.cell.master.serial)

    def _start(self, node: Node, server: Server | None, name: str) -> str:
        assert server is not None
        held = node.held.applications.get(name)
        if held is None or time.monotonic() < node.unpacked_at.get(name, 0.0):
            raise ScriptingError(f"ADMN1008E: the files of {name} are not there", "java.io.FileNotFoundException")
        if name in server.started:
            raise ScriptingError(f"ADMN0010E: application {name} is running already")
        if b"DOES NOT START" in held.ear:
            raise ScriptingError(f"WSVR0101W: An error occurred starting, {name}")
        server.started[name] = held.serial
        return ""

    def _stop(self, _node: Node, server: Server | None, name: str) -> str:
        assert server is not None
        if name not in server.started:
            raise ScriptingError(f"ADMN0011E: application {name} is not running")
        del server.started[name]
        return ""


class AdminTask(_Admin):
    """Commands."""

    def listBLAs(self) -> str:
        installed = [f"WebSphere:blaname={name}" for name in self.seen.applications]
        return "\n".join([*installed, *(one for one in self.seen.orphans if "blaname=" in one)])

    def listCompUnits(self, parameters: str) -> str:
        name = parameters.split("blaname=", 1)[1].rstrip("]")
        return "\n".join(one for one in self.seen.orphans if one == f"WebSphere:cuname={name}")

    def updateAppOnCluster(self, parameters: str) -> str:
        words = parameters.strip("[]").split()
        name = words[words.index("-ApplicationNames") + 1]
        assert int(words[words.index("-timeout") + 1]) > 0
        held = self._application(name)
        members = {node for servers in self.cell.clusters.values() for node, _server in servers}
        for node in [self.cell.nodes[name] for name in sorted(members)]:
            for server in node.servers.values():
                server.running, server.started = False, {}
            self.cell.synchronize(node)
            for server in node.servers.values():
                server.running, server.started = True, {name: held.serial}
        return "ADMA9006I"


def _options(options: list[Any]) -> dict[str, Any]:
    """Options by name; a flag has the value True."""
    found: dict[str, Any] = {}
    for at, one in enumerate(options):
        if isinstance(one, str) and one.startswith("-"):
            following = options[at + 1] if at + 1 < len(options) else None
            is_flag = following is None or (isinstance(following, str) and following.startswith("-"))
            found[one] = True if is_flag else following
    return found


def _pairs(attributes: list[list[str]]) -> dict[str, str]:
    return {name: value for name, value in attributes}  # noqa: C416 - a list of three is no pair


def _row(given: dict[str, Any], task: str) -> str:
    """The last column of the only row of a task, which names every module."""
    rows = given[task]
    if len(rows) != 1 or rows[0][:2] != [".*", ".*"] or not rows[0][2]:
        raise ScriptingError(f"WASX7018E: not the rows of {task}: {rows}")
    return str(rows[0][2])


def _text(value: bool) -> str:
    return "true" if value else "false"


OBJECTS: dict[str, type[_Admin]] = {
    "AdminApp": AdminApp, "AdminConfig": AdminConfig, "AdminControl": AdminControl, "AdminTask": AdminTask,
}
