# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules that speak to an application server."""

from __future__ import annotations


class ModuleDocFragment:
    """An application server and an application on it."""

    DOCUMENTATION = r"""
options:
  websphere:
    description: The application server, as the inventory's C(relmgmt_websphere) describes it.
    type: dict
    required: true
    suboptions:
      kind:
        description: Which kind of server it is.
        type: str
        choices: [liberty]
        default: liberty
      liberty:
        description: A Liberty or Open Liberty server. Required with O(websphere.kind=liberty).
        type: dict
        suboptions:
          server:
            description: Name of the server.
            type: str
            required: true
          install_dir:
            description: Directory of the runtime, the one that holds C(bin/server).
            type: path
            required: true
          user_dir:
            description: Directory that holds C(servers/); C(usr) below O(websphere.liberty.install_dir) if not given.
            type: path
          java_home:
            description: Java that the server command uses.
            type: path
          url:
            description: The server's own address, not that of a proxy in front of it.
            type: str
            required: true
          start_timeout:
            description: Seconds that the application may take until it has started and answers.
            type: int
            default: 120
          log:
            description: The server's messages.log, if it is not in the server's own C(logs).
            type: path
  application:
    description: Name of the application. It is never read out of the WAR.
    type: str
    required: true
"""
