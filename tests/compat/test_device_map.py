"""The device map: its text, and what programs see of it through a stand-in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nmpcap.compat import _devices, pcapy
from nmpcap.compat._device_map import VARIABLE, check_map, format_map, mapped, parse_map

import nmpcap

from .captures import FRAMES, PLAIN

NAMES = st.text("abcdeth0123.:{-", min_size=1, max_size=12)
PORTS = st.sampled_from(
    ["vale0:a", "netmap:x{1", "vale0:a@2", "vale0:a@conf:rings=1,tx-slots=64", "file:/a,b.pcap", "eth0", "lo"]
)


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("", {}),
        ("eth0=vale0:a", {"eth0": "vale0:a"}),
        ("eth0=vale0:a@2,eth1=vale0:b", {"eth0": "vale0:a@2", "eth1": "vale0:b"}),
        (" eth0=vale0:a, eth1=lo,", {"eth0": "vale0:a", "eth1": "lo"}),
        ("eth0=file:a,b.pcap,lo=eth0", {"eth0": "file:a,b.pcap", "lo": "eth0"}),
        (
            "eth0=vale0:a@conf:rings=1,slots=64,lo=netmap:x}1",
            {"eth0": "vale0:a@conf:rings=1,slots=64", "lo": "netmap:x}1"},
        ),
        ("netmap:eth0=vale0:a", {"netmap:eth0": "vale0:a"}),
        ("eth0=file:/x=y.pcap", {"eth0": "file:/x=y.pcap"}),
    ],
)
def test_a_map_is_read(text, ports):
    assert parse_map(text) == ports


@pytest.mark.parametrize("text", ["eth0", "=vale0:a", "eth0=", "eth0 vale0:a", "/eth0=vale0:a"])
def test_what_is_no_map_is_said(text):
    with pytest.raises(nmpcap.UsageError, match=r"device map: .* is not NAME=PORT"):
        parse_map(text)


def test_a_name_has_one_port():
    with pytest.raises(nmpcap.UsageError, match="eth0 cannot be both vale0:a and vale0:b"):
        parse_map("eth0=vale0:a,eth0=vale0:b")


@given(st.dictionaries(NAMES, PORTS, max_size=5))
def test_a_map_is_read_as_it_was_written(ports):
    assert parse_map(format_map(ports)) == ports


def test_ports_that_cannot_be_are_told_before_anything_is_opened(tmp_path):
    (tmp_path / "a.pcap").write_bytes(PLAIN)
    check_map(
        {"a": "vale0:a", "b": "netmap:x{1", "c": f"file:{tmp_path}/a.pcap", "d": nmpcap.findalldevs()[0].name}
    )
    for port, wrong in [
        (f"file:{tmp_path}/b.pcap", "no such file"),
        ("nosuch0", "there is no device nosuch0"),
        ("vale0:", "is not a port name"),
        ("wale0:a", "is not a port name"),
    ]:
        with pytest.raises(nmpcap.UsageError, match=f"^device map: eth0={port}: .*{wrong}"):
            check_map({"eth0": port})


def test_the_environment_is_read_at_each_use(monkeypatch):
    assert mapped("eth0") == "eth0"
    monkeypatch.setenv(VARIABLE, "eth0=vale0:a")
    assert mapped("eth0") == "vale0:a"
    assert mapped("eth1") == "eth1"
    monkeypatch.setenv(VARIABLE, "nothing")
    with pytest.raises(nmpcap.UsageError):
        mapped("eth0")


def test_a_program_opens_what_its_device_is_mapped_to(monkeypatch, tmp_path):
    (tmp_path / "a.pcap").write_bytes(PLAIN)
    monkeypatch.setenv(VARIABLE, f"eth7=file:{tmp_path}/a.pcap")
    reader = pcapy.open_live("eth7", 65535, 1, 100)
    assert [data for _, data in iter(reader.next, (None, b""))] == FRAMES


def test_a_program_chooses_from_what_is_mapped(monkeypatch):
    plain = pcapy.findalldevs()
    assert pcapy.lookupdev() in plain
    monkeypatch.setenv(VARIABLE, f"eth7=vale0:a,{plain[-1]}=vale0:b")
    assert pcapy.findalldevs() == ["eth7", plain[-1], *plain[:-1]]
    assert pcapy.lookupdev() == "eth7"


def test_an_interface_keeps_its_network_and_a_new_name_has_none(monkeypatch):
    monkeypatch.setenv(VARIABLE, "lo=vale0:a,eth7=vale0:b")
    assert _devices.lookupnet("lo") == (0x7F000000, 0xFF000000)
    assert _devices.lookupnet("eth7") == (0, 0)
    assert pcapy.create("eth7").getnet() == "0.0.0.0"
    with pytest.raises(nmpcap.DeviceError):
        _devices.lookupnet("nosuch0")
