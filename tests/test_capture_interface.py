"""Capture on Linux interfaces: settings, deadlines, stopping, privileges, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import select
import signal
import statistics
import time

import pytest

import nmpcap
from nmpcap import Capture, DeviceError, UsageError

from .later import Later
from .network import MODES, Network, frame, read, resident

OPENS = 1000 if "NMPCAP_SOAK_SECONDS" in os.environ else 40  # the kernel takes its time to let go of a socket


def test_direction(network: Network) -> None:
    a, b = network.veth()
    with nmpcap.open(b) as capture, network.raw(a) as far, network.raw(b) as near:

        def seen() -> list[tuple[int, bool]]:
            far.send(frame(1))
            near.send(frame(2))
            return [(int.from_bytes(bytes(p.data)[14:18], "big"), p.outgoing) for p in read(capture, 2, 0.1)]

        assert seen() == [(1, False), (2, True)]
        capture.setdirection("in")
        received = capture.stats().received
        assert seen() == [(1, False)]
        assert capture.stats().received == received + 1, "the kernel leaves out what goes out"
        capture.setdirection("out")
        assert seen() == [(2, True)]
        capture.setdirection("inout")
        assert seen() == [(1, False), (2, True)]


def test_a_frame_on_lo_comes_in_once(network: Network) -> None:
    with nmpcap.open("lo") as capture, network.raw("lo") as sender:
        sender.send(frame(1))
        assert [packet.outgoing for packet in read(capture, 2, 0.1)] == [False]
        capture.setdirection("out")
        sender.send(frame(2))
        assert capture.next(0.1) is None


@pytest.mark.parametrize("name", ["vb", "netmap:vb"])
@pytest.mark.parametrize("immediate", [False, True])
def test_what_waits_is_told_before_the_first_read(network: Network, name: str, immediate: bool) -> None:
    a, _ = network.veth()
    options = {"immediate": immediate, "netmap": "user"}
    with nmpcap.open(name, **options) as capture, network.raw(a) as sender:
        before = capture.stats().unread  # the system may have sent something of its own
        for number in range(5):
            sender.send(frame(number))
        assert capture.stats().unread - before >= 5
        while capture.next(0.2):
            pass
        stats = capture.stats()
        assert stats.unread == 0
        assert stats.delivered >= 5


@pytest.mark.parametrize("wanted", [True, False])
def test_promiscuous_while_open(network: Network, wanted: bool) -> None:
    a, _ = network.veth()
    with nmpcap.open(a, promisc=wanted) as capture:
        assert network.show(a)["promiscuity"] == int(wanted)
        assert ("not promiscuous" in capture.explain().backend) is not wanted
    assert network.show(a)["promiscuity"] == 0


def test_a_protocol_alone(network: Network) -> None:
    a, b = network.veth()
    inactive = nmpcap.create(b)
    inactive.set_protocol_linux(0x0806)
    with inactive.activate() as capture, network.raw(a) as sender:
        sender.send(frame(1))
        sender.send(frame(2).replace(b"\x88\xb5", b"\x08\x06", 1))
        assert [bytes(p.data)[14:18] for p in read(capture, 2, 0.2)] == [b"\0\0\0\2"]
    with pytest.raises(UsageError, match="protocol 65536"):
        nmpcap.open(b, protocol=65536)


@pytest.mark.parametrize("buffer_size", [1, 1 << 15, 1 << 20])
@MODES
def test_a_filter_looks_farther_than_the_snapshot_length(
    network: Network, buffer_size: int, immediate: bool
) -> None:
    a, b = network.veth()
    for name in (a, b):
        network.ip("link", "set", name, "mtu", "9000")
    with (
        nmpcap.open(b, snaplen=64, buffer_size=buffer_size, immediate=immediate) as capture,
        network.raw(a) as sender,
    ):
        capture.setfilter("ether proto 0x88b5 and ether[7000] = 1")
        sender.send(frame(1, 8000))
        packet = capture.next(5)
        assert packet
        assert bytes(packet.data) == frame(1, 8000)[:64]


@pytest.mark.parametrize("buffer_size", [1, 1 << 15, 1 << 20, 1 << 24])
@MODES
def test_buffers_of_any_size(network: Network, buffer_size: int, immediate: bool) -> None:
    a, b = network.veth()
    with (
        nmpcap.open(b, buffer_size=buffer_size, immediate=immediate) as capture,
        network.raw(a) as sender,
    ):
        blocks, size = blocks_of(capture)
        assert blocks * size == buffer_size or blocks == 2
        for i in range(20):
            sender.send(frame(i, 1514))
            packet = capture.next(5)
            assert packet
            assert bytes(packet.data) == frame(i, 1514)


@pytest.mark.parametrize("buffer_size", [0, -1, 1 << 63])
def test_senseless_buffer_sizes(network: Network, buffer_size: int) -> None:
    with pytest.raises(UsageError, match=f"^lo: buffer size {buffer_size}: "):
        nmpcap.open("lo", buffer_size=buffer_size)


def blocks_of(capture: Capture) -> tuple[int, int]:
    words = capture.explain().rings.split()
    return int(words[0]), int(words[3])


def test_a_small_snaplen_makes_small_blocks(network: Network) -> None:
    network.veth()
    with nmpcap.open("vb", snaplen=96, buffer_size=1 << 16) as capture:
        blocks, size = blocks_of(capture)
        assert blocks == 8
        assert size == 8192


def test_clocks(network: Network) -> None:
    """veth has no clock of its own."""
    a, _ = network.veth()
    inactive = nmpcap.create(a)
    assert inactive.list_tstamp_types() == ["host"]
    inactive.set_tstamp_type(4)
    with pytest.raises(DeviceError, match=f"^{a}: That type of time stamp is not supported by that device"):
        inactive.activate()
    inactive.set_tstamp_type("host_lowprec")
    with pytest.raises(DeviceError, match=f"^{a}: That type of time stamp is not supported by that device"):
        inactive.activate()
    inactive.set_tstamp_type("host")
    inactive.activate().close()
    with pytest.raises(DeviceError, match=r"^none: No such device exists"):
        nmpcap.create("none").list_tstamp_types()
    assert nmpcap.create("any").list_tstamp_types() == ["host"]


def test_explanation(network: Network) -> None:
    a, _ = network.veth()
    with nmpcap.open(a) as capture:
        explanation = capture.explain()
        assert explanation.source == "packet"
        assert explanation.backend == "linux packet socket, TPACKET_V3, promiscuous"
        assert explanation.rings.startswith("32 blocks of 131072 bytes to receive; ")
        assert explanation.timestamps == "by the kernel, of the system's clock, nanoseconds"
    with nmpcap.open("any", immediate=True) as capture:
        assert capture.explain().backend == "linux packet socket, TPACKET_V2, cooked, not promiscuous"


# ---- time and stopping --------------------------------------------------------------


@MODES
def test_packets_come_soon(network: Network, immediate: bool) -> None:
    a, b = network.veth()
    delays = []
    with nmpcap.open(b, immediate=immediate) as capture, network.raw(a) as sender:
        for i in range(20):
            began = time.monotonic()
            sender.send(frame(i))
            assert capture.next(5)
            delays.append(time.monotonic() - began)
            time.sleep(0.003)
    assert statistics.median(delays) < (0.005 if immediate else 0.05)


@MODES
def test_a_deadline_on_an_idle_link(network: Network, immediate: bool) -> None:
    a, _ = network.veth()
    with nmpcap.open(a, timeout=0.2, immediate=immediate) as capture:
        for call in (capture.next, lambda: capture.dispatch(-1, print), capture.next_batch):
            began = time.monotonic()
            assert not call()
            assert 0.2 <= time.monotonic() - began < 0.7
        began = time.monotonic()
        assert capture.next(0) is None
        assert time.monotonic() - began < 0.1


@pytest.mark.parametrize("stop", ["breakloop", "close"])
def test_another_thread_stops_it(network: Network, stop: str) -> None:
    a, _ = network.veth()
    capture = nmpcap.open(a)
    later = Later(0.1, getattr(capture, stop))
    began = time.monotonic()
    if stop == "close":
        with contextlib.suppress(UsageError):
            assert capture.loop(-1, print) == 0
    else:
        assert capture.loop(-1, print) == 0
    assert time.monotonic() - began < 2
    later.join()
    capture.close()


def test_ctrl_c(network: Network) -> None:
    a, _ = network.veth()
    with nmpcap.open(a) as capture:
        later = Later(0.1, lambda: os.kill(os.getpid(), signal.SIGINT))
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            capture.next()
        later.join()
        assert time.monotonic() - began < 2
        assert capture.next(0) is None


def test_a_descriptor_to_wait_on(network: Network) -> None:
    a, b = network.veth()
    with nmpcap.open(b) as capture, network.raw(a) as sender:
        assert select.select([capture], [], [], 0.05)[0] == []
        sender.send(frame(1))
        assert select.select([capture], [], [], 5)[0] == [capture]
        assert capture.next(0)
        assert capture.next(0) is None
        assert select.select([capture], [], [], 0.05)[0] == []


def test_an_async_iteration(network: Network) -> None:
    a, b = network.veth()

    async def count(capture: Capture) -> int:
        seen = 0
        async for _ in capture:
            seen += 1
            if seen == 5:
                break
        return seen

    with nmpcap.open(b) as capture, network.raw(a) as sender:
        later = Later(0.1, lambda: [sender.send(frame(i)) for i in range(5)])
        assert asyncio.run(asyncio.wait_for(count(capture), 5)) == 5
        later.join()
        later = Later(0.1, lambda: network.ip("link", "set", b, "down"))
        with pytest.raises(DeviceError, match="went down"):
            asyncio.run(asyncio.wait_for(count(capture), 5))
        later.join()


# ---- nothing is left, and who may --------------------------------------------------------------


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@MODES
def test_opens_leave_nothing(network: Network, immediate: bool) -> None:
    a, _ = network.veth()
    before = memory = 0
    for i in range(OPENS):
        if i == 10:
            before, memory = descriptors(), resident()
        nmpcap.open(a, immediate=immediate, fanout=nmpcap.Fanout()).close()
        with contextlib.suppress(DeviceError):
            nmpcap.open(a, tstamp_type="adapter")
    assert descriptors() == before
    assert resident() - memory < 4 << 20
    assert network.show(a)["promiscuity"] == 0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"protocol": "ip"}, "lo: protocol must be an int, not str"),
        ({"netmap": "genuine"}, "netmap='genuine': there are 'auto', 'kernel' and 'user'"),
        ({"timeout": "1"}, "timeout must be seconds, or None for ever, not str"),
        ({"tstamp_type": "adapter"}, r"lo: That type .* that device; list_tstamp_types\(\) tells which are"),
    ],
    ids=lambda value: next(iter(value), "") if isinstance(value, dict) else "",
)
def test_wrong_settings_are_told_by_their_names(
    network: Network, setting: dict[str, str], message: str
) -> None:
    with pytest.raises((TypeError, UsageError, DeviceError), match=f"^{message}"):
        nmpcap.open("lo", **setting)


def test_wrong_arguments_are_told_by_their_names(network: Network) -> None:
    with pytest.raises(TypeError, match=r"^fan-out group must be an int, not str"):
        nmpcap.Fanout(group="one")
    with nmpcap.open("lo") as capture:
        with pytest.raises(TypeError, match=r"^lo: link type must be an int, not str"):
            capture.set_datalink("EN10MB")
        with pytest.raises(TypeError, match=r"^timeout must be seconds, or None for ever, not str"):
            capture.next("1")
    with nmpcap.open("any") as capture, pytest.raises(DeviceError, match="open the interface to send on"):
        capture.inject(frame(1))


def test_without_the_privilege_the_capability_is_named(network: Network) -> None:
    a, _ = network.veth()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setresuid(65534, 65534, 65534)
            nmpcap.open(a)
        except DeviceError as error:
            os.write(writing, f"{error.errno} {error}".encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with open(reading) as told:
        message = told.read()
    assert message.startswith(
        f"{errno.EPERM} {a}: You don't have permission to perform this capture on that device: "
    )
    assert "CAP_NET_RAW" in message
    assert "--ambient-caps=+net_raw COMMAND" in message
