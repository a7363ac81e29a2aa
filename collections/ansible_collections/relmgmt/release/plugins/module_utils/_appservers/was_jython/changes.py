# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes a cell: applications, settings, saving, nodes, starting and stopping. One step a call."""

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_jython.cell import is_installed
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_jython.text import lines_of, text_of

# -- wsadmin --


def export(admin, p):
    """The application with its bindings as a file, and its settings as wsadmin shows them."""
    admin.app.export(p["application"], p["file"])
    return {"view": text_of(admin.app.view(p["application"]))}


def view(admin, p):
    return {"view": text_of(admin.app.view(p["application"]))}


def install(admin, p):
    """Install or update into the session's workspace: nothing is kept before it is saved."""
    mappings = [
        "-MapModulesToServers", [[".*", ".*", p["targets"]]],
        "-MapWebModToVH", [[".*", ".*", p["virtual_host"]]],
        "-CtxRootForWebMod", [[".*", ".*", p["context_root"]]],
    ]
    if is_installed(admin, p["application"]):
        options = ["-operation", "update", "-contents", p["file"]]
        if p["replace_bindings"]:
            options.append("-update.ignore.old")
        admin.app.update(p["application"], "app", options + mappings)
        return {"action": "update"}
    flags = ["-distributeApp", "-nouseMetaDataFromBinary", "-nopreCompileJSPs", "-noreloadEnabled"]
    options = ["-appname", p["application"]] + flags + ["-createMBeansForResources", "-validateinstall", "warn"]
    admin.app.install(p["file"], options + mappings)
    return {"action": "install"}


def uninstall(admin, p):
    if not is_installed(admin, p["application"]):
        return {"action": "nothing"}
    admin.app.uninstall(p["application"])
    return {"action": "uninstall"}


def save(admin, p):
    """Save, or say that a document was saved by somebody else meanwhile: never overwrite (FACTS 6.4)."""
    if not admin.config.hasChanges():
        return {"saved": 0}
    admin.config.setSaveMode("rollbackOnConflict")
    admin.config.save()
    return {"saved": 1}


def reset(admin, p):
    """Drop the workspace: what was not saved is gone, what is read next is the master configuration."""
    admin.config.reset()
    return {}


def sync(admin, p):
    """Synchronise one node; agent 0 if its node agent is down."""
    agent = text_of(admin.control.completeObjectName("cell=%s,node=%s,type=NodeSync,*" % (p["cell"], p["node"])))
    if not agent:
        return {"agent": 0, "answer": ""}
    return {"agent": 1, "answer": text_of(admin.control.invoke(agent, "sync"))}


def switch(admin, p):
    """Start or stop the application on one server, unless it is in that state already (T12)."""
    where = "cell=%s,node=%s,process=%s" % (p["cell"], p["node"], p["server"])
    started = lines_of(admin.control.queryNames("%s,type=Application,name=%s,*" % (where, p["application"]))) != []
    if started == (p["operation"] == "startApplication"):
        return {"manager": 1, "done": 0}
    managers = lines_of(admin.control.queryNames("%s,type=ApplicationManager,*" % where))
    if not managers:
        return {"manager": 0, "done": 0}
    admin.control.invoke(managers[0], p["operation"], p["application"])
    return {"manager": 1, "done": 1}


def rollout(admin, p):
    """The product's own way with a cluster: node by node its servers are stopped, updated and started."""
    options = "[-ApplicationNames %s -timeout %d]" % (p["application"], p["seconds"])
    return {"answer": text_of(admin.task.updateAppOnCluster(options))}


CHANGING = {
    "export": export, "view": view, "install": install, "uninstall": uninstall, "save": save, "reset": reset,
    "sync": sync, "switch": switch, "rollout": rollout,
}
