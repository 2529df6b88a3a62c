"""The reviewed list of answers in which user-space netmap differs from the record on purpose.

differences.json: groups of one reason each, with every field of every answer it changes:

    [{"reason": "...", "answers": [{"scenario", "step", "field", "recorded", "obtained"}]}]

A group with "if" holds only where packet sockets may be had ("packet sockets"), or only where they may
not ("no packet sockets").

An answer listed must differ exactly as listed: an entry that came to agree with the record is as
much a failure as a difference that is not listed.
"""

from __future__ import annotations

import json
import socket
from functools import cache
from pathlib import Path

from .compare import ABSENT, Difference

FILE = Path(__file__).parent / "differences.json"


@cache
def deliberate() -> dict[Difference, str]:
    """Each listed difference with its reason."""
    listed: dict[Difference, str] = {}
    for group in json.loads(FILE.read_text()):
        if group.get("if", _here()) != _here():
            continue
        for entry in group["answers"]:
            difference = Difference(
                entry["scenario"],
                entry["step"],
                entry["field"],
                _value(entry, "recorded"),
                _value(entry, "obtained"),
            )
            if difference in listed:
                raise ValueError(f"{FILE.name} lists {difference} twice")
            listed[difference] = group["reason"]
    return listed


@cache
def _here() -> str:
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except OSError:
        return "no packet sockets"
    return "packet sockets"


def _value(entry: dict[str, object], which: str) -> str:
    return json.dumps(entry[which], sort_keys=True) if which in entry else ABSENT
