"""What only ports of netmap have, as open and create take it: slots, back-pressure, times, a place."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import nmpcap
from nmpcap import DeviceError, UsageError, netmap, vale

MOST = 4096  # netmap's longest ring on a switch
FRAME = b"\xff" * 6 + b"\x02\0\0\0\0\x01" + bytes(48)


@pytest.fixture
def elsewhere(runtime_dir: Path) -> Path:
    """A runtime directory that the environment knows nothing of; left empty, like the environment's own."""
    folder = runtime_dir.with_name(f"{runtime_dir.name}-elsewhere")
    folder.mkdir(mode=0o700)
    yield folder
    folder.rmdir()


def rings(capture: nmpcap.Capture) -> str:
    return capture.explain().rings.partition("; buffers")[0]


def test_rings_have_the_slots_asked_for(port_name: Callable[[str], str]) -> None:
    with nmpcap.open(port_name("a"), rx_slots=64, tx_slots=128, netmap="user") as capture:
        assert rings(capture) == "1 to receive, of 64 slots; 1 to send, of 128 slots"
    with nmpcap.create(port_name("b"), rx_slots=32, netmap="user").activate() as capture:
        assert rings(capture) == "1 to receive, of 32 slots; 1 to send, of 1024 slots"


@pytest.mark.skipif(os.geteuid() != 0, reason="packet sockets: run as root")
def test_the_emulated_adapter_has_them_too() -> None:
    with nmpcap.open("netmap:lo", rx_slots=64, tx_slots=128, netmap="user") as capture:
        assert rings(capture) == "1 to receive, of 64 slots; 1 to send, of 128 slots"
    most = (vale.get_parameter("ring_size", netmap="user") - 256) // 16  # a ring's header, and a slot
    with (
        pytest.warns(RuntimeWarning, match=f"^netmap:lo: rx_slots=4096 was asked for, it has {most}$"),
        nmpcap.open("netmap:lo", rx_slots=MOST, netmap="user") as capture,
    ):
        assert rings(capture) == f"1 to receive, of {most} slots; 1 to send, of 1024 slots"


def test_less_than_was_asked_for_is_told(port_name: Callable[[str], str]) -> None:
    name = port_name("a")
    with pytest.warns(RuntimeWarning, match=f"^{name}: tx_slots=8192 was asked for, it has {MOST}$") as told:
        nmpcap.open(name, tx_slots=2 * MOST, netmap="user").close()
    assert told[0].filename == __file__
    with pytest.warns(RuntimeWarning, match="rx_slots=8192 was asked for, it has 4096") as told:
        nmpcap.create(name, rx_slots=2 * MOST, netmap="user").activate().close()
    assert told[0].filename == __file__
    with pytest.warns(RuntimeWarning, match=f"^p0: rx_slots=8192 was asked for, it has {MOST}$") as told:
        assert vale.create("p0", rx_slots=2 * MOST, netmap="user").rx_slots == MOST
    assert told[0].filename == __file__
    vale.destroy("p0", netmap="user")


def test_a_port_that_is_there_has_the_slots_it_was_made_with(port_name: Callable[[str], str]) -> None:
    vale.create("p0", rx_slots=64, netmap="user")
    vale.attach(port_name("p0"), netmap="user")
    with pytest.warns(RuntimeWarning, match="rx_slots=128 was asked for, it has 64"):
        nmpcap.open(port_name("p0"), rx_slots=128, netmap="user").close()
    vale.detach(port_name("p0"), netmap="user")
    vale.destroy("p0", netmap="user")


def test_back_pressure_keeps_what_a_receiver_has_no_room_for(port_name: Callable[[str], str]) -> None:
    options = {"rx_slots": 16, "tx_slots": 16, "netmap": "user"}
    with (
        nmpcap.open(port_name("b"), **options) as b,
        nmpcap.open(port_name("a"), backpressure=True, **options) as patient,
        nmpcap.open(port_name("c"), **options) as hasty,
    ):
        assert patient.inject_many([FRAME] * 100) < 100
        assert b.stats().dropped == 0
        assert hasty.inject_many([FRAME] * 100) == 100
        assert b.stats().dropped > 0


def test_times_are_the_packets_own_or_of_the_sync(port_name: Callable[[str], str]) -> None:
    with (
        nmpcap.open(port_name("own"), timestamps=True, netmap="user") as own,
        nmpcap.open(port_name("any"), netmap="user") as usual,
        nmpcap.open(port_name("not"), timestamps=False, netmap="user") as sync,
    ):
        assert own.explain().timestamps == usual.explain().timestamps == "each packet's own, nanoseconds"
        assert sync.explain().timestamps == "of the sync that brought it, microseconds"
        usual.inject(FRAME)
        usual.inject(FRAME)
        assert len({own.next(1).ts_ns for _ in range(2)}) == 2
        assert len({sync.next(1).ts_ns for _ in range(2)}) == 1


def test_times_that_cannot_be_had_are_refused(port_name: Callable[[str], str]) -> None:
    with pytest.raises(DeviceError, match="one or the other") as caught:
        nmpcap.open(f"{port_name('a')}@offset:initial=8", timestamps=True, netmap="user")
    assert caught.value.errno in (errno.EOPNOTSUPP, errno.EINVAL)


def test_a_runtime_directory_for_one_call(port_name: Callable[[str], str], elsewhere: Path) -> None:
    name = port_name("a")
    with (
        nmpcap.open(name, runtime_dir=elsewhere) as a,
        nmpcap.create(port_name("b"), runtime_dir=str(elsewhere)).activate() as b,
        nmpcap.open(port_name("b")) as other,
    ):
        assert a.explain().backend == "user netmap"
        assert [p.name for p in vale.list_all(runtime_dir=elsewhere)] == [name, port_name("b")]
        assert [p.name for p in vale.list_all(netmap="user")] == [port_name("b")]
        assert name in [device.name for device in nmpcap.findalldevs(runtime_dir=elsewhere)]
        a.inject(FRAME)
        packet = b.next(1)
        assert packet is not None
        assert packet.data == FRAME
        assert other.next(0) is None
        assert vale.counters(name, runtime_dir=elsewhere).sent == 1
        for _ in range(3000):
            a.inject(FRAME)
        assert b.stats().dropped > 0


def test_a_child_is_where_its_parent_is(elsewhere: Path) -> None:
    with (
        netmap.nm_open("netmap:p{1", runtime_dir=elsewhere) as master,
        netmap.nm_open("netmap:p}1", parent=master) as slave,
    ):
        netmap.nm_inject_many(master, [FRAME])
        slave.rxsync()
        packet = slave.nextpkt()
        assert packet is not None
        assert bytes(packet.buf) == FRAME


def test_every_verb_takes_one(elsewhere: Path) -> None:
    vale.create("p0", runtime_dir=elsewhere)
    vale.attach("valed:p0", runtime_dir=elsewhere)
    with pytest.raises(DeviceError):
        vale.detach("valed:p0", netmap="user")
    assert vale.find("valed:p0", runtime_dir=elsewhere)
    assert vale.list_ports("valed", runtime_dir=elsewhere)
    assert vale.port_info("valed:p0", runtime_dir=elsewhere).rx_slots == 1024
    vale.set_header_length("valed:p0", 12, runtime_dir=elsewhere)
    assert vale.get_header_length("valed:p0", runtime_dir=elsewhere) == 12
    vale.set_parameter("bridge_batch", 7, runtime_dir=elsewhere)
    assert vale.get_parameter("bridge_batch", runtime_dir=elsewhere) == 7
    assert vale.get_parameter("bridge_batch", netmap="user") == 1024
    vale.set_parameter("bridge_batch", 1024, runtime_dir=elsewhere)
    vale.detach("valed:p0", runtime_dir=elsewhere)
    vale.destroy("p0", runtime_dir=elsewhere)


@pytest.mark.parametrize(
    ("path", "kind", "says"),
    [
        ("", UsageError, "runtime_dir='': not the path of a directory"),
        ("a\0b", UsageError, "not the path of a directory"),
        (3, TypeError, "runtime_dir= must be a path, not int"),
        ("x" * 300, DeviceError, "300 characters: 1 .. 255"),
        ("/no/such/place", DeviceError, "runtime directory /no/such/place: cannot make it"),
    ],
)
def test_what_is_no_runtime_directory(path: object, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        nmpcap.open("vale0:a", netmap="user", runtime_dir=path)


def test_the_kernel_has_no_runtime_directory(runtime_dir: Path) -> None:
    with pytest.raises(DeviceError, match="the kernel's netmap has none") as caught:
        nmpcap.open("vale0:a", netmap="kernel", runtime_dir=runtime_dir)
    assert caught.value.errno == errno.EINVAL


@pytest.mark.parametrize("name", ["lo", "any", "file:trace.pcap"])
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("tx_slots", 8),
        ("rx_slots", 8),
        ("backpressure", True),
        ("timestamps", False),
        ("runtime_dir", "/tmp"),
    ],
)
def test_other_ports_have_no_such_thing(name: str, setting: str, value: object) -> None:
    for opening in (nmpcap.open, lambda name, **options: nmpcap.create(name, **options).activate()):
        with pytest.raises(DeviceError, match=f"^{name}: {setting} is for netmap's ports") as caught:
            opening(name, **{setting: value})
        assert caught.value.errno == errno.ENOTSUP


def test_pipes_have_no_back_pressure_to_ask_for(pipe_name: Callable) -> None:
    with pytest.raises(DeviceError, match="a pipe keeps what finds no room without it") as caught:
        nmpcap.open(pipe_name("1")[0], netmap="user", backpressure=True)
    assert caught.value.errno == errno.EOPNOTSUPP


@pytest.mark.parametrize(("slots", "kind"), [("8", TypeError), (-1, UsageError), (1 << 32, UsageError)])
def test_slots_are_a_number(slots: object, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="vale0:a: rx_slots"):
        nmpcap.open("vale0:a", rx_slots=slots)
