# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cell says of itself: processes, nodes, servers, applications. Nothing here changes anything.

Names are checked on our own side before they come here: none holds a pattern (T16).
"""

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_jython.text import (
    CAUGHT,
    error_text,
    lines_of,
    text_of,
)

# -- wsadmin --


class Admin:
    """The four objects that wsadmin gives a script."""

    def __init__(self, app, config, control, task):
        self.app = app
        self.config = config
        self.control = control
        self.task = task


def key_of(object_name, key):
    """The value of a key in the name of an MBean, empty without it."""
    for part in text_of(object_name).split(":", 1)[-1].split(","):
        pair = part.split("=", 1)
        if pair[0] == key:
            return pair[1]
    return ""


def hello(admin, p):
    """What the session is connected to; an unconnected wsadmin runs scripts all the same (FACTS 6.1)."""
    try:
        node = text_of(admin.control.getNode())
    except CAUGHT:
        return {"connected": 0, "why": error_text()}
    cell = text_of(admin.control.getCell())
    for kind in ("DeploymentManager", "UnManagedProcess"):
        own = lines_of(admin.control.queryNames("cell=%s,node=%s,type=Server,processType=%s,*" % (cell, node, kind)))
        if own:
            return {"connected": 1, "cell": cell, "node": node, "process": kind, "version": key_of(own[0], "version")}
    return {"connected": 1, "cell": cell, "node": node, "process": "", "version": ""}


def is_installed(admin, application):
    return text_of(admin.config.getid("/Deployment:%s/" % application)) != ""


def members(admin, p):
    """The members of a cluster: node and server of each; exists 0 if there is no such cluster."""
    cluster = text_of(admin.config.getid("/ServerCluster:%s/" % p["cluster"]))
    if not cluster:
        return {"exists": 0, "servers": []}
    found = []
    for member in lines_of(admin.config.list("ClusterMember", cluster)):
        node = admin.config.showAttribute(member, "nodeName")
        server = admin.config.showAttribute(member, "memberName")
        found.append({"node": text_of(node), "server": text_of(server)})
    return {"exists": 1, "servers": found}


def servers(admin, p):
    """Of each server: is it configured, does it run, does the application run on it (T11: node and process)."""
    found = []
    for one in p["servers"]:
        where = "cell=%s,node=%s,process=%s" % (p["cell"], one["node"], one["server"])
        configured = admin.config.getid("/Node:%s/Server:%s/" % (one["node"], one["server"]))
        running = admin.control.queryNames("%s,type=Server,*" % where)
        started = admin.control.queryNames("%s,type=Application,name=%s,*" % (where, p["application"]))
        found.append({
            "node": one["node"], "server": one["server"], "configured": text_of(configured) != "",
            "running": lines_of(running) != [], "started": lines_of(started) != [],
        })
    return {"servers": found}


def nodes(admin, p):
    """Of each node: managed (it has a node agent), agent up, synchronized (true, false or empty)."""
    found = []
    for node in p["nodes"]:
        managed = text_of(admin.config.getid("/Node:%s/Server:nodeagent/" % node)) != ""
        sync = text_of(admin.control.completeObjectName("cell=%s,node=%s,type=NodeSync,*" % (p["cell"], node)))
        synchronized = ""
        if sync:
            synchronized = text_of(admin.control.invoke(sync, "isNodeSynchronized"))
        found.append({"node": node, "managed": managed, "agent": sync != "", "synchronized": synchronized})
    return {"nodes": found}


def application(admin, p):
    """What is configured under the application's name, and what a half-removed one has left behind."""
    name = p["application"]
    left = []
    if not is_installed(admin, name):
        left = orphans(admin, name)
    if not is_installed(admin, name):  # asked again: a save that was under way may have come in between
        return {"installed": 0, "targets": [], "orphans": left}
    return {"installed": 1, "targets": lines_of(admin.app.listModules(name, "-server")), "orphans": []}


def orphans(admin, name):
    """Business-level application and composition units of this name though no application is installed."""
    found = []
    for line in lines_of(admin.task.listBLAs()):
        if key_of(line, "blaname") == name:
            found.append(line)
            found = found + lines_of(admin.task.listCompUnits("[-blaID %s]" % line))
    return found


def extract(admin, p):
    """Bring documents of the master configuration here; which of them there are."""
    found = []
    for document in p["documents"]:
        there = admin.config.existsDocument(document["uri"])
        if there:
            admin.config.extract(document["uri"], document["file"])
        found.append(text_of(there).lower() in ("1", "true"))
    return {"found": found}


def distribution(admin, p):
    """isAppReady as it is, and the lines of getDeployStatus: one a node (T10)."""
    name = p["application"]
    status = lines_of(admin.app.getDeployStatus(name))
    return {"ready": text_of(admin.app.isAppReady(name)), "status": status}


LOOKING = {
    "hello": hello, "members": members, "servers": servers, "nodes": nodes, "application": application,
    "extract": extract, "distribution": distribution,
}
