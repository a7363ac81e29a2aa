# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapter of the proxy that an inventory names."""

from __future__ import annotations

from typing import Any, Callable, Dict

from ansible_collections.relmgmt.release.plugins.module_utils._proxies.haproxy import HAProxy
from ansible_collections.relmgmt.release.plugins.module_utils._proxies.ihs import Ihs
from ansible_collections.relmgmt.release.plugins.module_utils._proxies.nginx import Nginx
from ansible_collections.relmgmt.release.plugins.module_utils._proxies.port import Proxy

KINDS: Dict[str, Callable[[Dict[str, Any]], Proxy]] = {"haproxy": HAProxy, "nginx": Nginx, "ihs": Ihs}


def proxy_of(options: Dict[str, Any]) -> Proxy:
    """The proxy of ``relmgmt_proxy``: its kind says which adapter."""
    kind: str = options["kind"]
    return KINDS[kind](options[kind])
