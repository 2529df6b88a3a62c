"""vale-ctl's verbs, on user-space and on kernel netmap."""

from __future__ import annotations

import errno
import os
import secrets
import socket
from contextlib import suppress

import pytest

from nmpcap import vale
from nmpcap.errors import DeviceError, PortNameError, UsageError
from nmpcap.netmap import nm_inject_many, nm_open


@pytest.fixture
def persistent(netmap: str):
    """The name of a persistent port that is not there, and is not there afterwards either."""
    name = f"p{secrets.token_hex(4)}"
    yield name
    with suppress(DeviceError):
        vale.destroy(name)
    assert error_of(vale.destroy, name)[0] == errno.ENXIO


def names(switch: str) -> list[str]:
    return [port.name for port in vale.list_ports(switch)]


def error_of(call, *arguments, **keywords) -> tuple[int | None, str]:
    with pytest.raises(DeviceError) as caught:
        call(*arguments, **keywords)
    return caught.value.errno, str(caught.value)


def test_a_switch_lives_from_its_first_port_to_its_last(netmap: str, switch: str) -> None:
    assert vale.list_ports(switch) == []
    assert vale.find(f"{switch}:a") is None
    with nm_open(f"{switch}:a"):
        with nm_open(f"{switch}:b") as b:
            assert names(switch) == [f"{switch}:a", f"{switch}:b"]
            found = vale.find(b.name)
            assert found
            assert found in vale.list_ports(switch)
            assert found in vale.list_ports()
            assert found.port_index == 1
            assert vale.find(f"{switch}:c") is None
        assert names(switch) == [f"{switch}:a"]
    assert names(switch) == []


def test_listing_all_switches(netmap: str, switch: str) -> None:
    other = f"{switch}x"
    with nm_open(f"{switch}:a"), nm_open(f"{other}:a"), nm_open(f"{switch}:b"):
        ports = vale.list_ports()
        assert {f"{switch}:a", f"{switch}:b", f"{other}:a"} <= {port.name for port in ports}
        assert len({(port.switch_index, port.port_index) for port in ports}) == len(ports)
        assert names(switch) == [f"{switch}:a", f"{switch}:b"]
    with pytest.raises(PortNameError, match="'eth0' is not a switch"):
        vale.list_ports("eth0")


def test_a_persistent_port(netmap: str, switch: str, persistent: str) -> None:
    got = vale.create(persistent, tx_slots=64, rx_slots=128, tx_rings=2)
    assert (got.tx_slots, got.rx_slots, got.tx_rings, got.rx_rings) == (64, 128, 2, 1)
    assert error_of(vale.create, persistent)[0] == errno.EEXIST
    index = vale.attach(f"{switch}:{persistent}")
    assert vale.find(f"{switch}:{persistent}") == vale.list_ports(switch)[0]
    assert vale.list_ports(switch)[0].port_index == index
    assert error_of(vale.attach, f"{switch}:{persistent}")[0] == errno.EBUSY
    assert error_of(vale.destroy, persistent)[0] == errno.EBUSY
    assert vale.detach(f"{switch}:{persistent}") == index
    assert vale.list_ports(switch) == []
    vale.destroy(persistent)
    assert error_of(vale.destroy, persistent)[0] == errno.ENXIO


def test_messages_say_what_and_why(netmap: str, switch: str, persistent: str) -> None:
    vale.create(persistent)
    wrong = [
        (vale.create, persistent, errno.EEXIST, "creating"),
        (vale.create, "vale1:x", errno.EINVAL, "creating"),
        (vale.destroy, "nonesuch0", errno.ENXIO, "destroying"),
        (vale.attach, f"{switch}:nonesuch0", errno.EINVAL, "attaching"),
        (vale.detach, f"{switch}:{persistent}", errno.ENXIO, "detaching"),
        (vale.detach, persistent, errno.EINVAL, "detaching"),
        (vale.port_info, "nonesuch0", errno.ENXIO, "asking about"),
        (vale.get_header_length, f"{switch}:nonesuch", errno.ENXIO, "header length"),
    ]
    for call, name, errnumber, what in wrong:
        got, message = error_of(call, name)
        assert (got, name in message, what in message, netmap in message) == (errnumber, True, True, True)
        assert not message.endswith(os.strerror(errnumber)), "a reason, not the errno's own text"


def test_port_info(netmap: str, switch: str) -> None:
    with nm_open(f"{switch}:a", tx_slots=64, rx_slots=128, rx_rings=2) as a:
        info = vale.port_info(a.name)
        assert (info.tx_slots, info.rx_slots, info.tx_rings, info.rx_rings) == (64, 128, 1, 2)
        assert (info.host_tx_rings, info.host_rx_rings) == (0, 0)
        assert (info.mem_id, info.memsize) == (a.mem_id, a.memsize)
    info = vale.port_info(f"{switch}:a")
    assert (info.tx_slots, info.tx_rings) == (1024, 1)
    assert vale.list_ports(switch) == []


def test_header_length(netmap: str, switch: str) -> None:
    with nm_open(f"{switch}:a") as a:
        assert vale.get_header_length(a.name) == 0
        for length in (12, 10, 0):
            vale.set_header_length(a.name, length)
            assert vale.get_header_length(a.name) == length
        with pytest.raises(UsageError, match=f"{a.name}' to 11: there are 0, 10 and 12"):
            vale.set_header_length(a.name, 11)
    assert error_of(vale.set_header_length, f"{switch}:a", 10)[0] == errno.ENXIO


@pytest.mark.parametrize("name", [64 * "x", "a\0b"])
def test_names_no_request_can_hold(netmap: str, name: str) -> None:
    with pytest.raises(PortNameError, match=r"at most 63 bytes|contains a NUL"):
        vale.port_info(name)


# ---- parameters ------------------------------------------------------------------------------


def test_parameters_are_numbers_with_names(netmap: str) -> None:
    assert vale.get_parameter("buf_size") == 2048
    for name in ("nonesuch", "../srcversion", ""):
        errnumber, message = error_of(vale.get_parameter, name)
        assert errnumber == errno.ENOENT
        assert f"'{name}'" in message


@pytest.mark.parametrize("netmap", ["user"], indirect=True)
def test_setting_a_parameter(netmap: str, switch: str) -> None:
    """With bridge_batch 0 a switch forwards nothing: what was set is what rules."""
    with nm_open(f"{switch}:a") as a, nm_open(f"{switch}:b") as b:
        assert vale.get_parameter("bridge_batch") == 1024
        vale.set_parameter("bridge_batch", 0)
        assert vale.get_parameter("bridge_batch") == 0
        nm_inject_many(a, [b"\xff" * 60])
        assert b.wait(0) == 0
        vale.set_parameter("bridge_batch", 1024)
        nm_inject_many(a, [b"\xff" * 60])
        assert b.wait(2)
        errnumber, message = error_of(vale.set_parameter, "buf_size", -1)
        assert errnumber == errno.EINVAL
        assert "'buf_size'" in message


# ---- in user space alone ---------------------------------------------------------------------


@pytest.mark.parametrize("netmap", ["user"], indirect=True)
def test_network_interfaces_need_the_kernel(netmap: str, switch: str) -> None:
    interface = socket.if_nameindex()[0][1]
    _, message = error_of(vale.attach, f"{switch}:{interface}")
    assert "needs the kernel module" in message
    assert interface in message


@pytest.mark.parametrize("netmap", ["user"], indirect=True)
def test_counters(netmap: str, switch: str) -> None:
    broadcast, short = b"\xff" * 6 + bytes(54), b"runt"
    with nm_open(f"{switch}:a") as a, nm_open(f"{switch}:b", rx_slots=4) as b, nm_open(f"{switch}:c") as c:
        nm_inject_many(a, [broadcast] * 5 + [short])
        counters = vale.counters(a.name)
        assert (counters.sent, counters.flooded, counters.discarded) == (6, 5, 1)
        assert (vale.counters(b.name).received, vale.counters(b.name).dropped) == (3, 2)
        assert (vale.counters(c.name).received, vale.counters(c.name).dropped) == (5, 0)


@pytest.mark.parametrize("netmap", ["kernel"], indirect=True)
def test_the_kernel_counts_nothing(netmap: str, switch: str) -> None:
    with nm_open(f"{switch}:a") as a:
        errnumber, message = error_of(vale.counters, a.name)
    assert errnumber == errno.EINVAL
    assert "only user-space netmap" in message
