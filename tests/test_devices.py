"""findalldevs and its kin, against libpcap and ip(8) in the same network namespace."""

from __future__ import annotations

import errno
import ipaddress
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

import nmpcap
from nmpcap import ConnectionStatus, DeviceError, DeviceFlags, DeviceInfo, vale
from nmpcap import devices as devices_module

LISTING = Path(__file__).parent / "oracles" / "devices.py"
ANY = "any"


# ---- network namespaces ----------------------------------------------------------------------


@lru_cache(maxsize=1)
def unshare() -> list[str]:
    """The command that runs another in a network namespace of its own, which ends with it."""
    command = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    for tool in ("unshare", "ip"):
        if not shutil.which(tool):
            pytest.skip(f"no {tool}(8); to run it: apt-get install iproute2 util-linux")
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespaces here; to run it: be root, or allow unprivileged user namespaces")
    return command


@pytest.fixture
def listing(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """``listing(script)``: what everybody lists where a shell script has made interfaces."""

    def run(script: str, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
        inner = 'set -e; eval "$1"; shift; exec "$@"'
        command = [*unshare(), "sh", "-c", inner, "sh", script, *without, sys.executable, str(LISTING)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        got: dict[str, Any] = json.loads(done.stdout)
        return got

    return run


def against_libpcap(got: dict[str, Any]) -> None:
    """Names, order, descriptions, flags, addresses; first choice and networks."""
    if got["libpcap"] is None:
        pytest.skip("no libpcap; to run it: apt-get install libpcap0.8")
    theirs = got["libpcap"]["devices"]
    assert [device["name"] for device in got["nmpcap"]] == [device["name"] for device in theirs]
    for ours, their in zip(got["nmpcap"], theirs, strict=True):
        assert (ours["name"], ours["flags"]) == (their["name"], their["flags"])
        assert ours["description"] == their["description"]
        assert ours["addresses"] == [without_own(address) for address in their["addresses"]]
    assert got["lookupdev"] == got["libpcap"]["lookupdev"]


def without_own(entry: list[Any]) -> list[Any]:
    """libpcap on Linux gives an address as its own broadcast address where it has none."""
    family, address, netmask, broadcast, destination = entry
    return [
        family,
        address,
        netmask,
        None if broadcast == address else broadcast,
        None if destination == address else destination,
    ]


def against_ip(got: dict[str, Any]) -> None:
    """The same addresses as ip(8) knows, with what belongs to them."""
    ours = {device["name"]: device["addresses"] for device in got["nmpcap"] if device["name"] != ANY}
    theirs: dict[str, list[Any]] = {}
    for link in got["ip"]:
        entries = theirs.setdefault(link["ifname"], [])
        if link.get("address"):
            broadcast = link.get("broadcast") if "BROADCAST" in link["flags"] else None
            entries.append([socket.AF_PACKET, link["address"], None, broadcast, None])
        for info in link["addr_info"]:
            family = socket.AF_INET if info["family"] == "inet" else socket.AF_INET6
            scope = f"%{link['ifname']}" if info["family"] == "inet6" and info["scope"] == "link" else ""
            mask = ipaddress.ip_network(f"{info['local']}/{info['prefixlen']}", strict=False).netmask
            entries.append(
                [family, info["local"] + scope, str(mask), info.get("broadcast"), info.get("address")]
            )
    assert ours == theirs


def named(got: dict[str, Any], name: str) -> dict[str, Any]:
    (device,) = [device for device in got["nmpcap"] if device["name"] == name]
    return device


VETH = """
ip link add name v1 type veth peer name w1
ip link add name v10 type veth peer name w10
ip link add name v2 type veth peer name w2
ip link add name sw type bridge
"""
ADDRESSES = """
ip addr add 10.1.0.1/24 brd + dev v1
ip addr add 10.1.0.2/24 dev v1
ip addr add 10.2.0.1/16 brd 10.2.0.0 dev v1
ip addr add fd00:1::1/64 dev v1 nodad
ip addr add fe80::1234/64 dev v1 nodad
ip addr add 192.0.2.1/31 dev v2
"""
# Links come up in their own time: 10 s are allowed.
SETTLE = """
settle() {
    for i in $(seq 500); do
        if ip -o link show "$1" | grep -q "state $2"; then return; fi
        sleep 0.02
    done
    echo "$1 is not $2"; ip link; exit 1
}
"""
UP = (
    SETTLE
    + """
for i in lo v1 w1 v2; do ip link set $i up; done
settle v1 UP; settle w1 UP; settle v2 LOWERLAYERDOWN
"""
)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("true", id="nothing but a loopback that is down"),
        pytest.param("ip link set lo up", id="nothing but a loopback"),
        pytest.param(VETH, id="all down"),
        pytest.param(VETH + ADDRESSES + UP, id="some up, some without a carrier"),
        pytest.param(VETH + ADDRESSES + UP + "ip link set w2 up; settle v2 UP; settle w2 UP", id="more up"),
        pytest.param(VETH + UP + "ip link set v1 address 02:00:00:00:00:01", id="another MAC address"),
    ],
)
def test_as_libpcap_and_ip_see_it(listing: Callable, script: str) -> None:
    got = listing(script)
    against_ip(got)
    against_libpcap(got)


def test_the_order(listing: Callable) -> None:
    got = listing(VETH + ADDRESSES + UP)
    names = [device["name"] for device in got["nmpcap"]]
    # Up and running; any; loopback; up without a carrier; down. What is equal as it was made, peers first.
    assert names == ["w1", "v1", ANY, "lo", "v2", "w10", "v10", "w2", "sw"]


def test_addresses_of_a_point_to_point_interface(listing: Callable) -> None:
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("no /dev/net/tun for us; to run it: be root, with the tun module")
    got = listing(
        "ip tuntap add name t0 mode tun; ip addr add 10.8.0.1 peer 10.8.0.2 dev t0;"
        "ip addr add fd00::1 peer fd00::2 dev t0"
    )
    against_ip(got)
    against_libpcap(got)
    assert named(got, "t0")["addresses"] == [
        [socket.AF_INET, "10.8.0.1", "255.255.255.255", None, "10.8.0.2"],
        [socket.AF_INET6, "fd00::1", str(ipaddress.IPv6Address(2**128 - 1)), None, "fd00::2"],
    ]


def test_labels_and_other_ends_are_told_from_interfaces_and_broadcast_addresses(listing: Callable) -> None:
    """libpcap makes a device of a label, and gives the other end as a broadcast address."""
    got = listing(
        "ip link add name v0 type veth peer name w0;"
        "ip addr add 10.0.0.1/24 dev v0 label v0:7; ip addr add 10.1.0.1/24 dev v0 label v0:x;"
        "ip addr add 10.0.0.3 peer 10.9.9.9 dev v0; ip addr add 10.2.0.4 peer 10.2.0.255/24 dev v0;"
        "ip addr add 10.3.0.1/24 brd 10.3.0.77 dev v0"
    )
    against_ip(got)
    assert {device["name"] for device in got["nmpcap"]} == {"v0", "w0", "lo", ANY}
    assert got["lookupnet"]["v0"] == [0x0A000000, 0xFFFFFF00]


def test_names_with_other_characters(listing: Callable) -> None:
    names = ["a@b,c", "-x", "ü", "\udcff\udcfe1", "q'q$(x)", "9", "0x7", "12345678901234"]
    shell = "".join(f"ip link add name \"$(printf '{octal(name)}')\" type veth;" for name in names)
    got = listing(shell)
    against_libpcap(got)
    assert set(names) < {device["name"] for device in got["nmpcap"]}


def octal(name: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in name.encode(errors="surrogateescape"))


def test_many_interfaces(listing: Callable) -> None:
    got = listing(
        SETTLE + "i=0; while [ $i -lt 150 ]; do echo link add name a$i type veth peer name b$i;"
        "echo addr add 10.5.$i.1/24 brd + dev a$i; echo link set a$i up; i=$((i+1)); done"
        " | ip -batch -; settle a149 LOWERLAYERDOWN"
    )
    assert len(got["nmpcap"]) == 302
    against_ip(got)
    against_libpcap(got)
    assert got["lookupnet"]["a149"] == [0x0A059500, 0xFFFFFF00]


def test_without_any_capability(listing: Callable) -> None:
    if not shutil.which("setpriv"):
        pytest.skip("no setpriv(1); to run it: apt-get install util-linux")
    nothing = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    script = VETH + ADDRESSES + UP
    got = listing(script, without=nothing)
    against_libpcap(got)
    assert named(got, "v1")["flags"] & DeviceFlags.RUNNING


def test_an_alias_is_the_description(listing: Callable) -> None:
    got = listing(
        "ip link add name v0 type veth peer name w0; ip link set v0 alias 'uplink to the core';"
        f"ip link set w0 alias {'x' * 255}"
    )
    assert named(got, "v0")["description"] == "uplink to the core"
    assert named(got, "w0")["description"] == "x" * 255
    assert named(got, "lo")["description"] is None


def test_lookupnet_as_libpcap(listing: Callable) -> None:
    got = listing(VETH + ADDRESSES + UP)
    ours, theirs = got["lookupnet"], got["libpcap"]["lookupnet"]
    for name in ("v1", "v2", "lo", ANY):
        assert ours[name] == theirs[name]
    assert ours["v1"] == [0x0A010000, 0xFFFFFF00]
    assert ours[ANY] == ours["netmap:x"] == ours["vale0:a"] == [0, 0]
    assert (
        ours["w1"]
        == f"{errno.EADDRNOTAVAIL} {theirs['w1']}"
        == f"{errno.EADDRNOTAVAIL} w1: no IPv4 address assigned"
    )
    for name in ("nosuch0", "", "x" * 40):
        assert ours[name].startswith(f"{errno.ENODEV} {name}: ")
        assert "No such device" in ours[name]
        assert "No such device" in theirs[name]


# ---- what needs no namespace -----------------------------------------------------------------


def test_this_machine() -> None:
    found = {device.name: device for device in nmpcap.findalldevs()}
    assert {name for _, name in socket.if_nameindex()} <= set(found)
    loopback = found.get("lo")
    if loopback is None:
        pytest.skip("no lo here; to run it: Linux")
    assert loopback.loopback
    assert loopback.connection is ConnectionStatus.NOT_APPLICABLE
    assert isinstance(loopback.addresses, tuple)
    assert found[ANY].up
    assert found[ANY].description == "Pseudo-device that captures on all interfaces"
    assert hash(loopback) == hash(found["lo"])
    with pytest.raises(AttributeError):
        loopback.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("name", ["any", "vale0:a", "vale0:a{1", "netmap:lo", "file:a.pcap"])
def test_what_is_no_interface_has_no_network(name: str) -> None:
    assert nmpcap.lookupnet(name) == (0, 0)


@pytest.mark.parametrize("name", ["valenosuch", "netmap", "files:a"])
def test_the_beginning_of_a_name_does_not_make_it_anything_else(name: str) -> None:
    with pytest.raises(nmpcap.DeviceError, match="looking up its network") as caught:
        nmpcap.lookupnet(name)
    assert caught.value.errno == errno.ENODEV


def test_nothing_suitable(monkeypatch: pytest.MonkeyPatch) -> None:
    interfaces = [
        DeviceInfo("lo", flags=DeviceFlags.LOOPBACK | DeviceFlags.UP | DeviceFlags.RUNNING),
        DeviceInfo("em0"),
    ]
    monkeypatch.setattr(devices_module, "_interfaces", lambda: iter(interfaces))
    monkeypatch.setattr(devices_module, "_pseudo_devices", list)
    with pytest.raises(DeviceError, match="no suitable device found") as caught:
        nmpcap.lookupdev()
    assert caught.value.errno == errno.ENODEV
    interfaces.append(DeviceInfo("em1", flags=DeviceFlags.UP))
    assert nmpcap.lookupdev() == "em1"


def test_a_radio_without_a_link_is_not_put_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    live = DeviceFlags.UP | DeviceFlags.RUNNING
    disconnected = ConnectionStatus.DISCONNECTED
    interfaces = [
        DeviceInfo("eth0", flags=live, connection=disconnected),
        DeviceInfo("wlan1", flags=live | DeviceFlags.WIRELESS, connection=disconnected),
        DeviceInfo("eth2", flags=live),
    ]
    monkeypatch.setattr(devices_module, "_interfaces", lambda: iter(interfaces))
    names = [device.name for device in nmpcap.findalldevs() if device.name != ANY]
    assert names == ["wlan1", "eth2", "eth0"]


# ---- netmap's ports --------------------------------------------------------------------------


def netmap_ports(**keywords: Any) -> dict[str, DeviceInfo]:
    return {device.name: device for device in nmpcap.findalldevs(**keywords) if device.netmap}


def test_ports_of_a_switch_while_they_are_open(netmap: str, port_name: Callable[[str], str]) -> None:
    name = port_name("a")
    assert name not in netmap_ports()
    with nmpcap.open(name):
        found = netmap_ports()[name]
        assert found.netmap == netmap
        assert found.up
        assert found.running
        assert netmap in (found.description or "")
        assert found == netmap_ports(netmap=netmap)[name]
        assert [device.name for device in nmpcap.findalldevs()][-1] in netmap_ports()
        assert nmpcap.lookupdev() != name
    assert name not in netmap_ports()


def test_pipes_and_persistent_ports_by_the_names_that_open_them(
    monkeypatch: pytest.MonkeyPatch, pipe_name: Callable, port_name: Callable
) -> None:
    monkeypatch.setenv("NMPCAP_NETMAP", "user")
    master, slave = pipe_name("1")
    on_switch = port_name("a") + "{q"
    vale.create("per0")
    try:
        with nmpcap.open(master), nmpcap.open(on_switch), nmpcap.open(f"{master}/r"):
            found = netmap_ports()
            assert {name: device.running for name, device in found.items()} == {
                "netmap:per0": False,
                port_name("a"): True,
                on_switch: True,
                on_switch.replace("{", "}"): False,
                master: True,
                slave: False,
            }
            for name, device in found.items():
                if not device.running:
                    nmpcap.open(name).close()
        assert list(netmap_ports()) == ["netmap:per0"]
        vale.attach(port_name("per0"))
        assert list(netmap_ports()) == [port_name("per0")]
        vale.detach(port_name("per0"))
    finally:
        vale.destroy("per0")
    assert netmap_ports() == {}


def test_ports_of_another_process(netmap: str, port_name: Callable, tmp_path: Path) -> None:
    name = port_name("a")
    program = f"import nmpcap\nwith nmpcap.open({name!r}): print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "open\n"
        assert netmap_ports()[name].running
        other.communicate("\n", timeout=20)
    assert name not in netmap_ports()
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "open\n"
        assert name in netmap_ports()
        other.kill()
    assert name not in netmap_ports()


def test_a_netmap_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NMPCAP_NETMAP", "user")
    monkeypatch.setenv("NMPCAP_RUNTIME_DIR", str(tmp_path / "no" / "where"))
    with pytest.warns(RuntimeWarning, match="netmap's ports are not listed: .*cannot make it"):
        assert nmpcap.findalldevs()
    with pytest.raises(DeviceError, match="cannot make it"):
        nmpcap.findalldevs(netmap="user")
