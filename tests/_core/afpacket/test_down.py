"""Interfaces that are not there, are down, or go: an error that names them, after what they brought."""

from __future__ import annotations

import errno
import os
import signal

import pytest

import nmpcap
from nmpcap import DeviceError
from nmpcap._printable import printable

from ...later import Later
from ...network import ETHERTYPE, MODES, Network, frame, read
from ...oracles.live import Libpcap


@pytest.mark.parametrize("name", ["none", "n" * 15, "n" * 16, "n" * 127, "n" * 500, "\udcff", "ethé"])
def test_unknown_interfaces(network: Network, name: str) -> None:
    with pytest.raises(DeviceError, match="No such device exists") as caught:
        nmpcap.open(name)
    assert str(caught.value).startswith(printable(name)[:100])
    assert caught.value.errno == errno.ENODEV


def test_an_alternative_name(network: Network) -> None:
    a, b = network.veth()
    network.ip("link", "property", "add", "dev", b, "altname", "an-interface-with-a-long-name")
    with nmpcap.open("an-interface-with-a-long-name") as capture, network.raw(a) as sender:
        sender.send(frame(1))
        assert len(read(capture, 1)) == 1
        assert capture.interfaces[0].name == b


def test_an_interface_that_is_down_is_not_opened(network: Network) -> None:
    a, _ = network.veth()
    network.ip("link", "set", a, "down")
    with Libpcap(a) as theirs:
        assert theirs.status < 0
    with pytest.raises(
        DeviceError, match=f"^{a}: That device is not up; .* ip link set dev NAME up$"
    ) as caught:
        nmpcap.open(a)
    assert caught.value.errno == errno.ENETDOWN
    network.ip("link", "set", a, "up")
    nmpcap.open(a).close()


@MODES
def test_going_down_is_told_after_what_came(network: Network, immediate: bool) -> None:
    a, b = network.veth()
    with nmpcap.open(b, immediate=immediate) as capture, network.raw(a) as sender:
        for i in range(3):
            sender.send(frame(i))
        network.take_down(b)  # before the block with these has been handed over
        assert len([capture.next(5) for _ in range(3)]) == 3
        for _ in range(2):
            with pytest.raises(
                DeviceError, match=f"^{b}: The interface went down; reading and sending go on once it is up$"
            ) as caught:
                capture.next()
            assert caught.value.errno == errno.ENETDOWN
        network.ip("link", "set", b, "up")
        network.wait_for(b, "UP")
        assert capture.next(0.05) is None
        sender.send(frame(7))
        packet = capture.next(5)
        assert packet
        assert bytes(packet.data) == frame(7)


def test_signals_do_not_put_going_down_first(network: Network) -> None:
    a, b = network.veth()
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    try:
        with nmpcap.open(b) as capture, network.raw(a) as sender:
            capture.setfilter(f"ether proto {ETHERTYPE:#x}")  # the host's stack has something to say, too
            for _ in range(10):
                sender.send(frame(1))
                network.take_down(b)
                signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
                assert capture.next(5)
                signal.setitimer(signal.ITIMER_REAL, 0)
                with pytest.raises(DeviceError, match="The interface went down"):
                    capture.next(5)
                network.ip("link", "set", b, "up")
                network.wait_for(b, "UP")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_large_packets_keep_their_own_bytes_when_it_goes_down(network: Network) -> None:
    a, b = network.veth()
    with nmpcap.open(b, immediate=True) as capture, network.raw(a) as sender:
        for name in (a, b):
            network.ip("link", "set", name, "mtu", "9000")  # more than the ring has frames for
        for i in range(2):
            sender.send(frame(i, 5000))
        network.take_down(b)
        assert [bytes(p.data) for p in read(capture, 2)] == [frame(0, 5000), frame(1, 5000)]
        with pytest.raises(DeviceError, match=f"^{b}: The interface went down; "):
            capture.next(1)
        network.ip("link", "set", b, "up")
        network.wait_for(b, "UP")
        sender.send(frame(2, 5000))
        assert [bytes(p.data) for p in read(capture, 2, 0.2)] == [frame(2, 5000)]


def test_going_down_ends_a_wait(network: Network) -> None:
    a, _ = network.veth()
    with nmpcap.open(a) as capture:
        later = Later(0.1, lambda: os.system(f"ip link set {a} down"))
        with pytest.raises(DeviceError, match="went down"):
            capture.loop(-1, print)
        later.join()


@MODES
def test_going_away_is_told_after_what_came(network: Network, immediate: bool) -> None:
    a, b = network.veth()
    with nmpcap.open(b, immediate=immediate) as capture, network.raw(a) as sender:
        for i in range(3):
            sender.send(frame(i))
        network.ip("link", "delete", b)
        assert len([capture.next(5) for _ in range(3)]) == 3
        for _ in range(2):
            with pytest.raises(
                DeviceError, match=f"^{b}: The interface disappeared; open it again when it is back$"
            ) as caught:
                capture.next()
            assert caught.value.errno == errno.ENODEV
        assert capture.stats().received == 3


def test_an_interface_of_any_may_go_and_come(network: Network) -> None:
    a, _ = network.veth()
    with nmpcap.open("any") as capture:
        with network.raw(a) as sender:
            sender.send(frame(1))
        network.ip("link", "delete", a)
        assert len(read(capture, 2)) == 2
        network.veth("vc", "vd")
        with network.raw("vc") as sender:
            sender.send(frame(1))
        packets = read(capture, 2)
        assert [capture.interfaces[p.interface].name for p in packets] == ["vc", "vd"]
