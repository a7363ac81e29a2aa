#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ledger's side of a notice. The mail itself is sent by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: notice
short_description: Send a notice by mail, once
version_added: 0.1.0
description:
  - Sends a mail from the controller and remembers in the ledger of the task's host that it was sent.
  - A notice whose O(marker) the ledger knows is not sent again.
  - A mail that cannot be sent never fails a release. The result says RV(sent=false), a warning says why, and the
    next run tries again. A controller that dies between sending and recording sends the mail twice, under the same
    C(Message-ID).
options:
  marker:
    description: Names the notice within its change, for example C(reopened).
    type: str
    required: true
  subject:
    description: Subject of the mail. Required by the action plugin.
    type: str
  body:
    description: Text of the mail. Required by the action plugin.
    type: str
  mail:
    description: The mail server and the addresses, as the inventory's C(relmgmt_mail). Required by the action plugin.
    type: dict
    suboptions:
      host:
        description: Name or address of the SMTP server.
        type: str
        required: true
      port:
        description: Port of the SMTP server.
        type: int
        default: 25
      sender:
        description: Address of the sender.
        type: str
        required: true
      to:
        description: Addresses of the recipients.
        type: list
        elements: str
        required: true
      starttls:
        description: Encrypt the connection and verify the server's certificate. Required for a login.
        type: bool
        default: false
      username:
        description: Name for the login. Without it there is none.
        type: str
      password:
        description: Password for the login.
        type: str
  mark:
    description: Whether to look for the marker or to record it. The action plugin sets it.
    type: str
    choices: [look, record]
    default: look
extends_documentation_fragment:
  - relmgmt.release.ledger
attributes:
  check_mode:
    support: full
    description: Reads the ledger and sends nothing.
  diff_mode:
    support: none
    description: A mail replaces nothing.
  idempotent:
    support: full
    description: A notice that the ledger knows is not sent again.
author: relmgmt developers (@relmgmt)
"""

EXAMPLES = r"""
- name: Tell the stakeholders that the application is open again
  relmgmt.release.notice:
    marker: reopened
    subject: CFIS002 is installed on production
    body: The release was verified; the application is open.
    mail: "{{ relmgmt_mail }}"
    change: CHG0000002
    ledger: "{{ relmgmt_state_dir }}/ledger.db"
  delegate_to: db1
  run_once: true
"""

RETURN = r"""
sent:
  description: Whether this run sent the mail.
  returned: always
  type: bool
refused:
  description: Recipients that the server refused while it accepted others.
  returned: always
  type: list
  elements: str
error:
  description: Why the mail was not sent.
  returned: when sending failed
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.mail_spec import MAIL_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.notice import work
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC, run


def main() -> None:
    """Read or write the ledger's entry."""
    spec = {
        "marker": {"type": "str", "required": True},
        "subject": {"type": "str"},
        "body": {"type": "str"},
        "mail": {"type": "dict", "options": MAIL_SPEC},
        "mark": {"type": "str", "choices": ["look", "record"], "default": "look"},
    }
    run(AnsibleModule(argument_spec={**spec, **LEDGER_SPEC}, supports_check_mode=True), work)


if __name__ == "__main__":
    main()
