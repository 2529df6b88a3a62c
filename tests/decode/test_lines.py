"""Every protocol's lines, compared with tcpdump's: fields, cut-off lengths and options."""

from __future__ import annotations

import pytest

from . import judge
from .cases import dhcp, icmp, links, names, network, options, routing, services, sessions, snmp, tunnels
from .reviewed import known

CASES = {
    name: case
    for module in (dhcp, icmp, links, names, network, options, routing, services, sessions, snmp, tunnels)
    for name, case in module.CASES.items()
}


@pytest.mark.parametrize(
    ("name", "options"), [(name, options) for name, case in CASES.items() for options in case.options]
)
def test_lines_are_those_of_tcpdump(name: str, options: str) -> None:
    case = CASES[name]
    wrong = judge.differences(case.frames, options, case.linktype)
    judge.none_of(
        [found for found in wrong if not known(found[1])], f"of {len(case.frames)} frames, with {options}"
    )
