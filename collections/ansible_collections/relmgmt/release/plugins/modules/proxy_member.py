#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``proxy_member``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: proxy_member
short_description: An application server is drained, or serves, behind a proxy
version_added: 0.1.0
description:
  - Takes a server out of HAProxy, nginx or IBM HTTP Server before it is changed, and puts it back afterwards.
  - A drained server gets no request, not even of sessions that began there; what is under way there is waited for.
  - The state is the proxy's own, looked at before and after. A state that is written down but not yet worked by, such
    as that of an nginx that was not reloaded, is put in force.
  - Is run on the proxy's host, and remembered in that host's ledger.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.ledger
  - relmgmt.release.worker
  - relmgmt.release.proxy
  - relmgmt.release.attributes
options:
  member:
    description: The server, by the name that it has in the inventory and in O(proxy.members).
    type: str
    required: true
  state:
    description:
      - With V(drained) the proxy sends no request to the server. The last one that serves is refused, unless
        O(going_back) or it is the only one of O(proxy.members).
      - With V(serving) it does.
      - With V(as_before) the server is what it was before this change touched it. One that somebody else has taken out
        stays out, and one that this change has not touched is left alone.
    type: str
    choices: [drained, serving, as_before]
    required: true
  timeout:
    description:
      - Seconds in which requests to a drained server may end. What has not ended then is told, and left alone.
      - Seconds in which a server that serves has to be found healthy, where the proxy looks itself.
    type: int
    default: 60
  session_seconds:
    description:
      - Seconds before a server is drained in which sessions that began there may be ended there, while new ones
        already go to other servers. HAProxy only.
    type: int
    default: 0
  going_back:
    description: The state belongs to a rollback, which needs the lease of the change and no valid receipt.
    type: bool
    default: false
notes:
  - HAProxy forgets what its socket was told when it is restarted or reloaded, unless it has a
    C(load-server-state-from-file).
seealso:
  - module: relmgmt.release.websphere_app
  - module: relmgmt.release.rollback
"""

EXAMPLES = r"""
- name: No request reaches app1 any more
  relmgmt.release.proxy_member:
    change: CHG0000002
    lease: 7
    proxy:
      kind: haproxy
      members: {app1: app1, app2: app2}
      haproxy:
        socket: /run/haproxy/admin.sock
        backend: cfis
    member: app1
    state: drained

- name: Put app1 back as it was
  relmgmt.release.proxy_member:
    change: CHG0000002
    lease: 7
    proxy:
      kind: nginx
      members: {app1: "10.0.0.11:9080", app2: "10.0.0.12:9080"}
      nginx:
        members_file: /etc/nginx/cfis/members.conf
    member: app1
    state: as_before
"""

RETURN = r"""
worker:
  description: The worker that did the work, C(id), C(since), C(lease), and C(joined) if another run began it.
  returned: when the work was done by a worker
  type: dict
in_progress:
  description: The worker that is at work still, with its C(progress), or the one that has to end first, C(waits_for).
  returned: when the time to wait is over; the action then asks again
  type: dict
member:
  description: Name of the server in the inventory.
  returned: success
  type: str
name:
  description: Name of the server in the proxy.
  returned: success
  type: str
state:
  description: The state the server is in, V(drained), V(closing) or V(serving); in check mode the one it would be in.
  returned: success
  type: str
was:
  description: The state it was in.
  returned: success
  type: str
serving:
  description: The other servers that the proxy sends requests to, by its own names.
  returned: success
  type: list
  elements: str
requests_left:
  description: Requests, or for nginx and IHS connections, that had not ended when the time was over.
  returned: when drained, but for check mode
  type: int
affinity:
  description: Whether the proxy sends the requests of a session to the server that answered the one before.
  returned: when changed to drained, but for check mode
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.proxy_member import PROXY_SPEC, set_member
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.worker import WORKER_SPEC, run_supervised

SPEC = {
    **LEDGER_SPEC,
    **WORKER_SPEC,
    "proxy": PROXY_SPEC,
    "member": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["drained", "serving", "as_before"], "required": True},
    "timeout": {"type": "int", "default": 60},
    "session_seconds": {"type": "int", "default": 0},
    "going_back": {"type": "bool", "default": False},
}


def main() -> None:
    """Drain a server, or put it back."""
    run_supervised(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), "proxy_member", set_member)


if __name__ == "__main__":
    main()
