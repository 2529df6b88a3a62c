"""Every stage can be looked at."""

from __future__ import annotations

from nmpcap.bpf import image
from nmpcap.filter import Options, stages
from nmpcap.filter.ir import show


def test_every_stage_prints() -> None:
    made = stages("tcp port 80 and not host 10.0.0.1 or vlan 5 and ip[0] & 15 > len - 2")
    assert "type   port" in str(made.tokens)
    assert str(made.tree) == "((tcp port 80 and not host 10.0.0.1) or vlan 5) and ip[0:1] & 15 > len - 2"
    assert "h[12] in {0x8100}" in show(made.expanded)
    assert "h[((b[14] & 15) << 2) + 14] in {80}" in show(made.expanded)
    assert "accept" in str(made.graph)
    assert image(made.instructions).startswith("(000) ldh      [12]")


def test_graphs_show_searches_and_variables() -> None:
    hosts = " or ".join(f"host 10.0.{number}.{number * 3 % 251}" for number in range(200))
    assert "and 192 more" in str(stages(hosts).graph)
    assert ":=" in str(stages("type data and tcp", Options(linktype=105)).graph)
    assert "headers lead to 6" in str(stages("ip6 protochain 6").graph)
