#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dynamic inventory of the sandbox: its ports are chosen when it is brought up.

RELMGMT_SANDBOX names another directory than .sandbox of this clone.
"""
from __future__ import annotations

import json
import os
import sys


def main() -> None:
    clone = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    root = os.environ.get("RELMGMT_SANDBOX") or os.path.join(clone, ".sandbox")
    path = os.path.join(root, "inventory.json")
    if not os.path.exists(path):
        sys.exit(f"The sandbox is not up: there is no {path}. Cure: make demo.")
    with open(path, encoding="utf-8") as file:
        inventory = json.load(file)
    print(json.dumps({} if "--host" in sys.argv else inventory))


if __name__ == "__main__":
    main()
