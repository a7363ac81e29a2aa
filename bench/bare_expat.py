# SPDX-License-Identifier: GPL-3.0-or-later
"""The peer of the package reader: expat alone, which tells well-formed XML from other and nothing else."""

from __future__ import annotations

import sys
from xml.parsers import expat


def main() -> None:
    """Parse the file named on the command line."""
    parser = expat.ParserCreate()
    with open(sys.argv[1], "rb") as stream:
        parser.ParseFile(stream)


if __name__ == "__main__":
    main()
