# SPDX-License-Identifier: GPL-3.0-or-later
"""The option of modules whose work goes on in a worker on the host."""

from __future__ import annotations


class ModuleDocFragment:
    """Long work: begun, joined and waited for by the action of the same name."""

    DOCUMENTATION = r"""
options:
  worker:
    description:
      - Set by the action of the same name, not by people; without it the module does its work itself.
      - The work is done by a process of its own on the host, which outlives the module, the connection and
        the controller, and keeps its result beside the ledger, in C(workers/). The same work asked for while it
        lives joins it; other work of a change waits until it has ended.
      - A task that is cancelled, or that the keyword C(timeout) ends, does not end the worker. It is shown
        by M(relmgmt.release.release_info); a person may end its process, and run the same again.
    type: dict
    suboptions:
      call:
        description: Names one call of the action, however often it asks again.
        type: str
        required: true
      wait:
        description: Seconds to wait for the end before the module answers that the work is in progress.
        type: int
        default: 10
"""
