# SPDX-License-Identifier: GPL-3.0-or-later
"""Control of the web entry:  entry.py DIRECTORY {open|close|status}

The web server answers 503 with a maintenance page while DIRECTORY/run/maintenance exists. status: 0 open, 1 closed.
"""
from __future__ import annotations

import os
import sys


def main(argv: list[str]) -> int:
    if len(argv) != 2 or argv[1] not in ("open", "close", "status"):
        sys.stderr.write(str(__doc__))
        return 2
    flag = os.path.join(argv[0], "run", "maintenance")
    if argv[1] == "open" and os.path.exists(flag):
        os.unlink(flag)
    if argv[1] == "close":
        with open(flag, "a"):
            pass
    is_open = not os.path.exists(flag)
    print(f"entry: {'open' if is_open else 'closed'}")
    return 0 if argv[1] != "status" or is_open else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
