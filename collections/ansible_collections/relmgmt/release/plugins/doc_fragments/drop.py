# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every module that takes files from the drop."""

from __future__ import annotations


class ModuleDocFragment:
    """A bundle in the drop, and a package of it, by digest."""

    DOCUMENTATION = r"""
options:
  drop:
    description: Where delivered bundles lie, as the inventory's C(relmgmt_drop) describes it.
    type: dict
    required: true
    suboptions:
      method:
        description:
          - How this host reads the drop.
          - With V(path) it is a directory of this host, with V(sftp) an SFTP server that the OpenSSH client reaches.
        type: str
        choices: [path, sftp]
        default: path
      path:
        description: Absolute directory of the drop.
        type: str
        required: true
      host:
        description: Name or address of the SFTP server.
        type: str
      port:
        description: Port of the SFTP server.
        type: int
        default: 22
      user:
        description: User of the SFTP server.
        type: str
      private_key:
        description: File of the private key on this host. No other key and no agent is tried.
        type: path
      known_hosts:
        description: File with the server's host key on this host. A server that is not in it is refused.
        type: path
  bundle:
    description: Folder of the bundle in the drop, C(<release>-<first 12 digits of the bundle's digest>).
    type: str
    required: true
"""

    PACKAGE = r"""
options:
  file:
    description: Name of the package inside the bundle.
    type: str
    required: true
  sha256:
    description:
      - SHA-256 of the package, 64 lower-case hexadecimal digits.
      - A package that differs from it, or from the delivery's manifest, is refused.
    type: str
    required: true
"""
