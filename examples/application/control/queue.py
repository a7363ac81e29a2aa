# SPDX-License-Identifier: GPL-3.0-or-later
"""How many updates wait to be sent to an external system, as test mode asks for it:  queue.py CONFIG read

On standard input one JSON object that names the interface; the answer is one as well:
    {"schema": 1, "interface": "CATS", "endpoint": null, "value": null}    ->    {"value": "3"}

CONFIG is that of cfis.py.
"""
from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

# What follows FOR in a line is repeated: the count is written each time anew, and the last one counts.
COUNT = (
    'new count,number set count=0,number="" write 0 '
    'for  set number=$order(^CFISQ(number)) quit:number=""  '
    'if $piece(^CFISQ(number),"^")="%s" set count=count+1 write !,count'
)


def waiting(config: dict[str, Any], name: str) -> int:
    """Updates in ^CFISQ for this system."""
    code = COUNT % name.replace('"', '""')
    environment = dict(os.environ, **config["environment"])
    done = subprocess.run([str(config["mumps"]), "-run", "%XCMD", code], env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, check=True, text=True)
    return int(done.stdout.split()[-1])


def main(argv: list[str]) -> int:
    if len(argv) != 2 or argv[1] != "read":
        sys.stderr.write(str(__doc__))
        return 2
    with open(argv[0]) as file:
        config = json.load(file)
    asked = json.load(sys.stdin)
    print(json.dumps({"value": str(waiting(config, str(asked["interface"])))}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
