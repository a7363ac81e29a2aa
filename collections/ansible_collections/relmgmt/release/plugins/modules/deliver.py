# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: deliver
short_description: Deliver a release bundle to the SFTP drop
version_added: 0.1.0
description:
  - Sends the packages, the release notes and the deployment checklist of a release bundle from the controller
    to the SFTP drop, days ahead of the change.
  - The bundle is verified first. Each file travels under a temporary name, is read back, and gets its final name
    when size and SHA-256 are right. C(MANIFEST.json) comes last; without it, hosts take nothing from the drop.
  - A file that is there already with the right content is kept, so an interrupted delivery is completed by
    delivering again, and delivering twice changes nothing. A file with another content under a final name is refused.
  - A file that was cut off in the middle is continued if what arrived of it is right, and is sent anew if not.
  - A drop that says it has no room is refused before anything is sent. One that turns out to be full keeps nothing
    of the file under way.
  - The receipt names what was read back, from which server with which host key, when and by whom. It is kept beside
    the records of the change cycle, which show it.
  - The bundle lies in C(<path>/<release>-<first 12 digits of the bundle's digest>/).
options:
  bundle:
    description: Directory of the release bundle, on the controller.
    type: path
    required: true
  drop:
    description: The drop, as the inventory's C(relmgmt_drop) describes it.
    type: dict
    required: true
    suboptions:
      method:
        description: How the managed hosts read the drop. Delivery always uses SFTP.
        type: str
        choices: [path, sftp]
        default: sftp
      host:
        description: Name or address of the SFTP server.
        type: str
        required: true
      port:
        description: Port of the SFTP server.
        type: int
        default: 22
      user:
        description: User of the SFTP server.
        type: str
        required: true
      private_key:
        description: File of the private key on the controller. No other key and no agent is tried.
        type: path
        required: true
      known_hosts:
        description: File with the server's host key on the controller. A server that is not in it is refused.
        type: path
        required: true
      path:
        description: Absolute directory of the drop on the server. It must exist.
        type: str
        required: true
  change:
    description: The change ticket that the receipt names.
    type: str
    default: ''
  record_root:
    description: Folder of the records, on the controller, where the receipt is kept. It is only returned if not given.
    type: path
  timeout:
    description: Seconds to wait for the connection and for each answer of the server.
    type: int
    default: 30
requirements:
  - paramiko on the controller
attributes:
  check_mode:
    support: full
    description: Reads the drop and says what would be sent.
  diff_mode:
    support: full
    description: Lists the files in the drop before and after.
  idempotent:
    support: full
    description: A second delivery compares sizes and digests and sends nothing. The receipt of the first one stays.
notes:
  - Works on the controller, whatever the host of the task. Use it with C(run_once).
seealso:
  - module: relmgmt.release.deliver_prior
author: relmgmt developers (@relmgmt)
"""

EXAMPLES = r"""
- name: Deliver the packages of CFIS002
  relmgmt.release.deliver:
    bundle: examples/bundles/CFIS002
    drop:
      host: drop.example.com
      user: relmgmt
      private_key: /etc/relmgmt/drop_key
      known_hosts: /etc/relmgmt/drop_known_hosts
      path: /incoming
    change: CHG0000002
    record_root: /srv/relmgmt/records
  run_once: true
"""

RETURN = r"""
bundle:
  description: Name of the bundle's folder in the drop.
  returned: success
  type: str
  sample: CFIS002-0f343b0931ab
place:
  description: Address of that folder.
  returned: success
  type: str
  sample: sftp://relmgmt@drop.example.com:22/incoming/CFIS002-0f343b0931ab
sent:
  description: Files that were sent, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: [cfis.war, MANIFEST.json]
kept:
  description: Files that lay in the drop already, size and digest compared.
  returned: success
  type: list
  elements: str
resumed:
  description: Files of C(sent) of which a part lay in the drop already and was continued.
  returned: success
  type: list
  elements: dict
  contains:
    file:
      description: Name of the file.
      type: str
      returned: always
    bytes:
      description: How much of it lay there, compared with the bundle byte for byte.
      type: int
      returned: always
removed:
  description: Remains of interrupted deliveries that cannot be continued and were removed, or in check mode would be.
  returned: success
  type: list
  elements: str
receipt:
  description: What was read back from the drop in this run, every file of the bundle.
  returned: when the whole bundle lies in the drop
  type: dict
  contains:
    schema:
      description: Version of this shape.
      type: int
      returned: always
    change:
      description: The change ticket.
      type: str
      returned: always
    release:
      description: The release.
      type: str
      returned: always
    bundle:
      description: Name of the bundle's folder in the drop.
      type: str
      returned: always
    bundle_digest:
      description: SHA-256 of the bundle.
      type: str
      returned: always
    place:
      description: Address of that folder.
      type: str
      returned: always
    server:
      description: Name or address and port of the server.
      type: str
      returned: always
    user:
      description: User of the server.
      type: str
      returned: always
    host_key:
      description: Kind and fingerprint of the server's host key.
      type: str
      returned: always
      sample: ssh-ed25519 SHA256:Kq0Gq0jzJ6yV1Zr0mYlJd7sU9oV8H3b1m1F2s5a9c7E
    files:
      description: Name (C(file)), C(size) in bytes and C(sha256) of every file as it was read back.
      type: list
      elements: dict
      returned: always
    read_back_at:
      description: When that was, with its zone.
      type: str
      returned: always
    read_back_by:
      description: User and host of the controller.
      type: str
      returned: always
receipt_path:
  description: Where the receipt is kept on the controller.
  returned: when O(record_root) is given and the whole bundle lies in the drop
  type: str
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
      description: File or address.
      type: str
      returned: always
    cure:
      description: What to do.
      type: str
      returned: always
"""
