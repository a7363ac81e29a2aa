#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``instance_info``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_info
short_description: An M instance - engine, version, state, datasets
version_added: 0.1.0
description:
  - Says which engine and version an M instance has, whether it is running, down or frozen, and which datasets it has.
  - On GT.M it opens no dataset; it looks at file headers and at the processes that have one open.
  - On Caché and IRIS the state comes from C(qlist), the databases from the configuration file, and what only the
    instance knows from a terminal session.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.instance
  - relmgmt.release.attributes.info
seealso:
  - module: relmgmt.release.cache_package
"""

EXAMPLES = r"""
- name: See what the instance is
  relmgmt.release.instance_info:
    instance:
      name: CFIS
      engine: gtm
      gtm:
        dist: /opt/fis-gtm/V7.0-005
        global_directory: /srv/cfis/cfis.gld
        source_directory: /srv/cfis/r
        object_directory: /srv/cfis/o

- name: See what a Caché instance is
  relmgmt.release.instance_info:
    instance:
      name: CFIS
      engine: iris
      iris:
        control: /usr/bin/ccontrol
        session: /usr/bin/csession
        namespace: CFIS

- name: See what an IRIS instance is
  relmgmt.release.instance_info:
    instance:
      name: IRIS
      engine: iris
      iris:
        control: /usr/bin/iris
        namespace: CFIS
"""

RETURN = r"""
engine:
  description: The product.
  returned: success
  type: str
  sample: gtm
name:
  description: Name of the instance.
  returned: success
  type: str
version:
  description: What the engine says its version is.
  returned: success
  type: str
  sample: GT.M V7.0-005 Linux x86_64
product:
  description: What the instance calls itself, for example V(Cache), V(Ensemble) or V(IRIS); empty on GT.M.
  returned: success
  type: str
  sample: IRIS
health:
  description: The instance's own word for its health, V(ok), V(warn), V(alert) or V(hung); empty on GT.M.
  returned: success
  type: str
  sample: ok
mirror:
  description: Type and status of a mirror member, for example V(Failover Primary); empty where there is no mirror.
  returned: success
  type: str
state:
  description:
    - On GT.M V(running) if a process has a dataset open, V(down) if none has, V(frozen) if a dataset's header says so.
    - On Caché and IRIS V(running) if the instance takes sessions, V(frozen) while its physical writes are suspended.
  returned: success
  type: str
namespaces:
  description: Namespaces; on GT.M the global directory is the only one.
  returned: success
  type: list
  elements: str
code_in_datasets:
  description: Whether a restore of the datasets brings the routines back too.
  returned: success
  type: bool
datasets:
  description: Database files.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Region or database.
      type: str
    path:
      description: The file.
      type: str
    size:
      description: Its size in bytes.
      type: int
    journal:
      description: Its journal file, empty if journaling is off.
      type: str
    frozen:
      description: Whether its header, or the instance, says that it is frozen.
      type: bool
    mounted:
      description: Whether the instance has it mounted; null on GT.M, which mounts nothing.
      type: bool
    namespaces:
      description: Namespaces that lie in it.
      type: list
      elements: str
attached:
  description:
    - Processes that have a dataset open; on Caché and IRIS those in the namespaces that lie in the datasets.
    - Null where the instance does not let this user list its processes.
  returned: success
  type: dict
  contains:
    processes:
      description: How many.
      type: int
    pids:
      description: Their process ids, as far as this user may see them.
      type: list
      elements: int
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.instance import INSTANCE_SPEC, look
from ansible_collections.relmgmt.release.plugins.module_utils._module.view import run_view


def main() -> None:
    """Look at an instance."""
    run_view(AnsibleModule(argument_spec=INSTANCE_SPEC, supports_check_mode=True), look)


if __name__ == "__main__":
    main()
