"""Every printer that a table or a module names is there."""

from __future__ import annotations

import re

import pytest

from nmpcap.decode import table

from ..layers import ROOT

NAMED = sorted(
    {
        entry
        for name in ("LINKS", "ETHERTYPES", "IP_PROTOCOLS", "UDP_PORTS", "UDP_PORTS_TO", "TCP_PORTS")
        for entry in getattr(table, name).values()
    }
    | {
        entry
        for file in (ROOT / "nmpcap" / "decode").rglob("*.py")
        for entry in re.findall(
            r'"((?:link|network|transport|application|tunnel|routing)\.\w+(?::\w+)?)"', file.read_text()
        )
    }
)


@pytest.mark.parametrize("entry", NAMED)
def test_named_printers_are_there(entry: str) -> None:
    assert callable(table.load(entry))
