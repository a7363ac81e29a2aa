# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m relmgmt_runner`` is ``relmgmt``."""

from __future__ import annotations

import sys

from relmgmt_runner.cli import main

if __name__ == "__main__":
    sys.exit(main())
