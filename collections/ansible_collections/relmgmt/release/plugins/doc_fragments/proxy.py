# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that names a proxy."""

from __future__ import annotations


class ModuleDocFragment:
    """A proxy before application servers."""

    DOCUMENTATION = r"""
options:
  proxy:
    description: The proxy, as the inventory's C(relmgmt_proxy) describes it.
    type: dict
    required: true
    suboptions:
      kind:
        description: Which kind of proxy it is.
        type: str
        choices: [haproxy, nginx, ihs]
        required: true
      members:
        description:
          - The servers behind it, by the name that they have in the inventory.
          - To each the proxy's own name, of HAProxy the server's name in the backend, of nginx the address of its
            C(server) line, of IHS the attribute C(Name) of the C(Server) element.
        type: dict
        required: true
      haproxy:
        description: HAProxy, through its stats socket. Required with O(proxy.kind=haproxy).
        type: dict
        suboptions:
          socket:
            description: The stats socket, of level admin.
            type: path
            required: true
          backend:
            description: Name of the backend.
            type: str
            required: true
      nginx:
        description: nginx, through a file that its configuration includes. Required with O(proxy.kind=nginx).
        type: dict
        suboptions:
          members_file:
            description:
              - The file with the C(server) lines of the upstream, which an C(include) inside the C(upstream) block
                names, or with the C(upstream) blocks themselves, included in C(http).
              - A server that is out has the parameter C(down) in all of its lines. Everything else stays as it is.
            type: path
            required: true
          command:
            description: How nginx is called, with the arguments that name its configuration. C(-T) is added.
            type: list
            elements: str
            default: [nginx]
          reload:
            description: How nginx is made to load its configuration again; the command with C(-s reload) if not given.
            type: list
            elements: str
            default: []
          pid_file:
            description: Where the process id of the master process is.
            type: path
            default: /run/nginx.pid
      ihs:
        description:
          - IBM HTTP Server, through the file of its WebSphere plug-in. Required with O(proxy.kind=ihs).
          - A server is taken out of the list of primary servers by a comment. The plug-in reads the file again after
            its C(RefreshInterval), which is waited for.
        type: dict
        suboptions:
          plugin_file:
            description: Path of C(plugin-cfg.xml).
            type: path
            required: true
          cluster:
            description: Attribute C(Name) of the C(ServerCluster) element.
            type: str
            required: true
"""
