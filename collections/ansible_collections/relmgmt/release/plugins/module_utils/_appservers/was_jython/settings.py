# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that a release names: properties of a JVM, attributes of configuration objects, endpoints.

A setting is read and written the same way, and its value is a text; "there" 0 stands for none.
"""

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


def property_of(admin, s):
    for one in ids_of(admin.config.showAttribute(jvm_of(admin, s), "systemProperties")):
        if text_of(admin.config.showAttribute(one, "name")) == s["name"]:
            return one
    return ""


def read_property(admin, s):
    one = property_of(admin, s)
    if not one:
        return {"there": 0, "value": ""}
    return {"there": 1, "value": text_of(admin.config.showAttribute(one, "value"))}


def write_property(admin, s):
    one = property_of(admin, s)
    if not s["there"]:
        if one:
            admin.config.remove(one)
    elif one:
        admin.config.modify(one, [["value", s["value"]]])
    else:
        attributes = [["name", s["name"]], ["value", s["value"]]]
        admin.config.create("Property", jvm_of(admin, s), attributes, "systemProperties")


def holder_of(admin, s):
    """The object that holds the last attribute of a dotted path, and that attribute."""
    one = config_object(admin, s["object"])
    names = s["attribute"].split(".")
    for name in names[:-1]:
        one = text_of(admin.config.showAttribute(one, name))
    return one, names[-1]


def read_attribute(admin, s):
    one, name = holder_of(admin, s)
    value = admin.config.showAttribute(one, name)
    return {"there": value is not None, "value": text_of(value or "")}


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
    port = admin.config.showAttribute(endpoint_of(admin, s), "port")
    return {"there": 1, "value": text_of(port)}


def write_endpoint(admin, s):
    admin.config.modify(endpoint_of(admin, s), [["port", s["value"]]])


KINDS = {
    "jvm_property": (read_property, write_property),
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


SETTING = {"read_settings": read_settings, "write_settings": write_settings}
