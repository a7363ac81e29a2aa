# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that lists the external interfaces of an environment."""

from __future__ import annotations


class ModuleDocFragment:
    """External interfaces: their endpoints in both modes, and where the settings are kept."""

    DOCUMENTATION = r"""
options:
  interfaces:
    description:
      - The external interfaces of the environment, as the inventory's C(relmgmt_interfaces) lists them.
      - No test endpoint may be a production endpoint of any interface, and no place may hold two settings.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the interface, at most 64 letters, digits and C(_.-).
        type: str
        required: true
      direction:
        description:
          - V(outbound) if we connect to the other system, V(inbound) if it connects to us.
          - The endpoints of an inbound interface are our own, where we listen.
        type: str
        required: true
        choices: [outbound, inbound]
      protocol:
        description: What is spoken.
        type: str
        choices: [tcp, udp]
        default: tcp
      production:
        description: The endpoint in production mode.
        type: dict
        required: true
        suboptions:
          host:
            description: Name or address of the host; of an inbound interface the address that we listen on.
            type: str
            required: true
          port:
            description: The port, 1 to 65535.
            type: int
            required: true
          addresses:
            description: Addresses that the name stands for, instead of resolving it on the host.
            type: list
            elements: str
            default: []
      test:
        description: The endpoint in test mode.
        type: dict
        required: true
        suboptions:
          host:
            description: Name or address of the host; of an inbound interface the address that we listen on.
            type: str
            required: true
          port:
            description: The port, 1 to 65535.
            type: int
            required: true
          addresses:
            description: Addresses that the name stands for, instead of resolving it on the host.
            type: list
            elements: str
            default: []
      settings:
        description: Every place where host or port of the interface are kept; at least one.
        type: list
        elements: dict
        required: true
        suboptions:
          hosts:
            description:
              - The inventory's group, or host, whose hosts hold this setting.
              - The older name has to be written in quotation marks, because YAML takes C(on) for a truth value.
            type: str
            required: true
            aliases: ["on"]
          place:
            description:
              - The kind of place. The options that belong to other kinds are refused.
              - V(global_node) is a node of a global of the host's instance.
              - V(file) is one value of a configuration file. Everything else in the file stays as it is.
              - V(liberty) and V(websphere) are settings of the host's application server.
              - V(production_setting) is a setting of an item of an Interoperability production, V(default_setting) a
                System Default Setting; the first one wins where both are there.
              - V(command) is anything else, through an executable on the host.
            type: str
            required: true
            choices: [command, default_setting, file, global_node, liberty, production_setting, websphere]
          value:
            description:
              - What the setting is in either mode. C({host}) and C({port}) of the endpoint are put in; nothing else is
                special. It must differ between the modes.
            type: str
            default: "{port}"
          global:
            description: Of V(global_node), name of the global, such as V(^CFISCFG).
            type: str
          subscripts:
            description: Of V(global_node), the node's subscripts; an empty list is the global's root.
            type: list
            elements: str
          path:
            description: Of V(file), absolute path of the file.
            type: path
          format:
            description: Of V(file), what the file is written in.
            type: str
            choices: [properties, ini, json, yaml, xml, services]
          key:
            description:
              - Of V(file), which value it is.
              - A name for V(properties), and for V(ini) together with O(interfaces[].settings[].section).
              - A list of names and numbers that lead to it for V(json) and V(yaml).
              - A path such as V(server/variable[@name='cats.port']/@value) for V(xml).
              - V(name/tcp) or V(name/udp) for V(services).
            type: raw
          section:
            description: Of V(file) with V(ini), the section that holds the key.
            type: str
          encoding:
            description: Of V(file), its encoding; that of its byte order mark, or UTF-8, if not given.
            type: str
          reload:
            description: Of V(file), a command that makes running processes read the file again, program first.
            type: list
            elements: str
          in_force:
            description:
              - Of V(file), a command that prints the value that running processes use, program first.
            type: list
            elements: str
          type:
            description:
              - Of V(liberty), V(variable), V(server_xml) or V(bootstrap_property). V(variable) is kept in an override
                file of the release management, V(server_xml) is a C(variable) element of the server's own
                C(server.xml), V(bootstrap_property) a line of its C(bootstrap.properties), which needs a restart.
              - Of V(websphere), V(jvm_property), V(resource) or V(variable), as in
                M(relmgmt.release.websphere_config).
            type: str
          name:
            description: Of V(liberty) and V(websphere), name of the variable, property or resource.
            type: str
          attribute:
            description: Of V(websphere) with a V(resource), which of its attributes.
            type: str
          production:
            description: Of V(production_setting) and V(default_setting), name of the production, V(*) for any.
            type: str
          item:
            description: Of V(production_setting) and V(default_setting), name of the item, V(*) for any.
            type: str
          target:
            description: Of V(production_setting), whose setting it is.
            type: str
            choices: [Adapter, Host]
          host_class:
            description: Of V(default_setting), class of the item, V(*) for any.
            type: str
          setting:
            description: Of V(production_setting) and V(default_setting), name of the setting.
            type: str
          command:
            description:
              - Of V(command), the executable, by its absolute path, and arguments that go before its own one, which is
                C(read), C(write) or C(pending). No shell is involved. It has to end within 60 seconds, with status 0.
              - On its standard input it gets one JSON object with C(schema) (1), C(interface), C(endpoint)
                (C(production), C(test) or null) and C(value) (text or null). Endpoint and value are null but for
                C(write); a null value then means that the setting is to be removed.
              - On its standard output it answers with one JSON object. C(read) and C(write) answer with C(value), what
                stands now, text or null; C(pending) with C(pending), a text that says why what stands is not yet in
                force, empty if it is. What it writes to its standard error is shown when it fails.
            type: list
            elements: str
      queue:
        description:
          - Where it says how much the interface has still to send. Nothing, an empty text and 0 are an empty queue.
        type: dict
        suboptions:
          hosts:
            description: The inventory's group, or host, whose hosts can tell.
            type: str
            required: true
            aliases: ["on"]
          place:
            description: The kind of place; V(interoperability_queue) is the queue of an item of the running production.
            type: str
            required: true
            choices: [command, global_node, interoperability_queue]
          command:
            description: Of V(command), the executable and arguments, called with C(read).
            type: list
            elements: str
          global:
            description: Of V(global_node), name of the global.
            type: str
          subscripts:
            description: Of V(global_node), the node's subscripts.
            type: list
            elements: str
          item:
            description: Of V(interoperability_queue), name of the item.
            type: str
"""
