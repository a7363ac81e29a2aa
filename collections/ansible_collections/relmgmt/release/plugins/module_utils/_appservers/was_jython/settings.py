# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that a release names: JVM properties and arguments, variables, attributes of resources, endpoints.

Each is read and written the same way, its value is a text; "there" 0 stands for none.
"""

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_jython.cell import key_of
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_jython.text import lines_of, text_of

# -- wsadmin --


def ids_of(value):
    """The ids in a list attribute: "[id id]", where an id with spaces stands in quotes."""
    found = []
    text = text_of(value).strip()[1:-1]
    while text.strip():
        text = text.strip()
        if text[0] == '"':
            end = text.find('"', 1)
            found.append(text[1:end])
        else:
            end = (text + " ").find(" ")
            found.append(text[:end])
        text = text[end + 1 :]
    return found


def config_object(admin, path):
    """The one object of a containment path; an error otherwise."""
    found = lines_of(admin.config.getid(path))
    if len(found) != 1:
        raise ValueError("%d configuration objects are at %s" % (len(found), path))
    return found[0]


def jvm_of(admin, s):
    server = config_object(admin, "/Node:%s/Server:%s/" % (s["node"], s["server"]))
    return lines_of(admin.config.list("JavaVirtualMachine", server))[0]


def attribute_of(admin, one, name):
    value = admin.config.showAttribute(one, name)
    return {"there": value is not None, "value": text_of(value or "")}


def named_in(admin, holder, names, s):
    """The object in a list attribute whose name is the setting's, empty without it."""
    for one in ids_of(admin.config.showAttribute(holder, names["list"])):
        if text_of(admin.config.showAttribute(one, names["key"])) == s["name"]:
            return one
    return ""


def read_named(admin, holder, names, s):
    one = named_in(admin, holder, names, s)
    if not one:
        return {"there": 0, "value": ""}
    return attribute_of(admin, one, "value")


def write_named(admin, holder, names, s):
    one = named_in(admin, holder, names, s)
    if not s["there"]:
        if one:
            admin.config.remove(one)
    elif one:
        admin.config.modify(one, [["value", s["value"]]])
    else:
        attributes = [[names["key"], s["name"]], ["value", s["value"]]]
        admin.config.create(names["type"], holder, attributes, names["list"])


PROPERTIES = {"list": "systemProperties", "key": "name", "type": "Property"}
ENTRIES = {"list": "entries", "key": "symbolicName", "type": "VariableSubstitutionEntry"}


def read_property(admin, s):
    return read_named(admin, jvm_of(admin, s), PROPERTIES, s)


def write_property(admin, s):
    write_named(admin, jvm_of(admin, s), PROPERTIES, s)


def read_variable(admin, s):
    return read_named(admin, config_object(admin, s["object"]), ENTRIES, s)


def write_variable(admin, s):
    write_named(admin, config_object(admin, s["object"]), ENTRIES, s)


def read_arguments(admin, s):
    return attribute_of(admin, jvm_of(admin, s), "genericJvmArguments")


def write_arguments(admin, s):
    admin.config.modify(jvm_of(admin, s), [["genericJvmArguments", s["value"]]])


def holder_of(admin, s):
    """The object that holds the last attribute of a dotted path, and that attribute."""
    one = config_object(admin, s["object"])
    names = s["attribute"].split(".")
    for name in names[:-1]:
        one = text_of(admin.config.showAttribute(one, name))
    return one, names[-1]


def read_attribute(admin, s):
    one, name = holder_of(admin, s)
    return attribute_of(admin, one, name)


def write_attribute(admin, s):
    one, name = holder_of(admin, s)
    if s["there"]:
        admin.config.modify(one, [[name, s["value"]]])
    else:
        admin.config.unsetAttributes(one, [name])


def endpoint_of(admin, s):
    node = config_object(admin, "/Node:%s/" % s["node"])
    for entry in lines_of(admin.config.list("ServerEntry", node)):
        if text_of(admin.config.showAttribute(entry, "serverName")) == s["server"]:
            for one in ids_of(admin.config.showAttribute(entry, "specialEndpoints")):
                if text_of(admin.config.showAttribute(one, "endPointName")) == s["name"]:
                    return text_of(admin.config.showAttribute(one, "endPoint"))
    raise ValueError("server %s on node %s has no endpoint %s" % (s["server"], s["node"], s["name"]))


def read_endpoint(admin, s):
    return attribute_of(admin, endpoint_of(admin, s), "port")


def write_endpoint(admin, s):
    admin.config.modify(endpoint_of(admin, s), [["port", s["value"]]])


KINDS = {
    "jvm_property": (read_property, write_property),
    "jvm_arguments": (read_arguments, write_arguments),
    "variable": (read_variable, write_variable),
    "attribute": (read_attribute, write_attribute),
    "endpoint": (read_endpoint, write_endpoint),
}


def read_settings(admin, p):
    return {"values": [KINDS[one["kind"]][0](admin, one) for one in p["settings"]]}


def write_settings(admin, p):
    """Into the session's workspace: nothing is kept before it is saved."""
    for one in p["settings"]:
        KINDS[one["kind"]][1](admin, one)
    return {}


def in_force(admin, p):
    """A property as the running JVM of a server has it; running 0 if it does not run."""
    where = "cell=%s,node=%s,process=%s" % (p["cell"], p["node"], p["server"])
    jvms = lines_of(admin.control.queryNames("%s,type=JVM,*" % where))
    if not jvms:
        return {"running": 0, "value": ""}
    value = admin.control.invoke(jvms[0], "getProperty", p["name"])
    return {"running": 1, "value": text_of(value or "")}


def applications(admin, p):
    """The names of the applications that run on a server; running 0 if the server does not."""
    where = "cell=%s,node=%s,process=%s" % (p["cell"], p["node"], p["server"])
    running = lines_of(admin.control.queryNames("%s,type=Server,*" % where)) != []
    found = [key_of(one, "name") for one in lines_of(admin.control.queryNames("%s,type=Application,*" % where))]
    return {"running": running, "applications": found}


def stop_server(admin, p):
    return {"answer": text_of(admin.control.stopServer(p["server"], p["node"]))}


def start_server(admin, p):
    return {"answer": text_of(admin.control.startServer(p["server"], p["node"]))}


SETTING = {
    "read_settings": read_settings, "write_settings": write_settings, "in_force": in_force,
    "applications": applications, "stop_server": stop_server, "start_server": start_server,
}
