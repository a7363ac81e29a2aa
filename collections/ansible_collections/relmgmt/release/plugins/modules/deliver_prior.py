# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: deliver_prior
short_description: The packages that run now lie in the drop of the previous environment
version_added: 0.1.0
description:
  - Before a release replaces them, the packages that the web tier runs are put into the drop of the environment that
    is kept on the previous release, as the whole set of their bundle with its manifest.
  - What runs is what the ledgers of the hosts in C(application_servers) and C(web_servers) say. Each of them must have
    been asked with P(relmgmt.release.release_info#module), its answer registered as C(deliver_host).
  - The set is read from the environment's own drop, and every file of it is compared with its digest. It is sent as
    P(relmgmt.release.deliver#module) sends a bundle.
  - Where the bundle that is delivered runs already, nothing is prior.
options:
  bundle:
    description: Folder of the bundle that is delivered, C(<release>-<first 12 digits of the bundle's digest>).
    type: str
    required: true
  drop:
    description: The environment's drop, as the option O(relmgmt.release.deliver#module:drop).
    type: dict
    required: true
  previous_drop:
    description: The drop of the previous environment, as the option O(relmgmt.release.deliver#module:drop).
    type: dict
    required: true
  change:
    description: The change ticket that the receipts name.
    type: str
    default: ''
  record_root:
    description: Folder of the records, on the controller, where receipts are kept. They are only returned if not given.
    type: path
  timeout:
    description: Seconds to wait for a connection and for each answer of a server.
    type: int
    default: 30
requirements:
  - paramiko on the controller
attributes:
  check_mode:
    support: full
    description: Reads both drops and says what would be sent.
  diff_mode:
    support: full
    description: Lists the files in the previous environment's drop before and after.
  idempotent:
    support: full
    description: A set that is there is compared with its digests and stays.
notes:
  - Works on the controller, whatever the host of the task. Use it with C(run_once).
seealso:
  - module: relmgmt.release.deliver
author: relmgmt developers (@relmgmt)
"""

EXAMPLES = r"""
- name: Put what runs now into the previous environment's drop
  relmgmt.release.deliver_prior:
    bundle: CFIS002-2c4287e3b7bb
    drop: "{{ relmgmt_drop }}"
    previous_drop: "{{ relmgmt_previous_environment.drop }}"
    change: CHG0000002
  run_once: true
"""

RETURN = r"""
sets:
  description: What the module M(relmgmt.release.deliver) returns, for each bundle of which the web tier runs packages.
  returned: success
  type: list
  elements: dict
  contains:
    bundle:
      description: Name of the bundle's folder.
      type: str
      returned: always
    place:
      description: Its address in the previous environment's drop.
      type: str
      returned: always
    changed:
      description: Whether anything was sent, removed or written.
      type: bool
      returned: always
    sent:
      description: Files that were sent, or in check mode would be.
      type: list
      elements: str
      returned: always
    kept:
      description: Files that lay there already, size and digest compared.
      type: list
      elements: str
      returned: always
    resumed:
      description: Files that were continued, with the bytes that lay there already.
      type: list
      elements: dict
      returned: always
    removed:
      description: Remains of interrupted deliveries that were removed, or in check mode would be.
      type: list
      elements: str
      returned: always
    receipt:
      description: What was read back.
      type: dict
      returned: when the whole set lies there
    receipt_path:
      description: Where the receipt is kept.
      type: str
      returned: when O(record_root) is given and the whole set lies there
error:
  description: What is wrong, where, and what cures it.
  returned: failure
  type: dict
  contains:
    kind:
      description: Kind of the error.
      type: str
      returned: always
    message:
      description: What is wrong.
      type: str
      returned: always
    place:
      description: Host, file or address.
      type: str
      returned: always
    cure:
      description: What to do.
      type: str
      returned: always
"""
