"""What it takes to import a library: whole processes, beside the standard library's json and the peers.

NMPCAP_BENCH_MODULES=1 prints first, to stderr, what each module that ``import nmpcap`` brings takes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

from measure import Case, Missing, benchmark
from peers import MODULES, peer

PEERS = ("pcapy-ng", "cypcap", "scapy")


def importer(module: str) -> Callable[[], object]:
    """Start Python, import a module, end."""
    command = [sys.executable, "-c", f"import {module}"]
    return lambda: subprocess.run(command, check=True, capture_output=True, cwd="/")


def modules_by_time() -> str:
    """``-X importtime``'s lines for ``import nmpcap``, the slowest last, in microseconds of their own."""
    command = [sys.executable, "-X", "importtime", "-c", "import nmpcap"]
    done = subprocess.run(command, check=True, capture_output=True, cwd="/", text=True)
    found = re.findall(r"^import time:\s+(\d+) \|.*\| *(\S+)", done.stderr, re.MULTILINE)
    return "\n".join(f"{took:>8} {module}" for took, module in sorted(found, key=lambda line: int(line[0])))


@benchmark(reach=0.25)
def import_() -> Iterator[Case | Missing]:
    """The process that only imports nmpcap, beside those that import something else."""
    if os.environ.get("NMPCAP_BENCH_MODULES"):
        print(modules_by_time(), file=sys.stderr)
    yield Case("import nmpcap", 1, importer("nmpcap"), importer("json"), "import json")
    for name in PEERS:
        there = peer(name)
        if isinstance(there, Missing):
            yield there
        else:
            theirs = MODULES[name]
            yield Case(f"beside {name}", 1, importer("nmpcap"), importer(theirs), f"import {theirs}")
