"""Opening by libpcap's ways: create and activate, open_live, open_dead; settings that cannot be."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

import nmpcap
from nmpcap import DeviceError, Direction, PcapError, UsageError

from .fake_source import expected, fake_capture, first_of_ten, packets


def test_create_set_activate(port_name: Callable[[str], str], netmap: str) -> None:
    inactive = nmpcap.create(port_name("a"))
    inactive.set_snaplen(100)
    inactive.set_promisc(False)
    inactive.set_timeout(250)
    inactive.set_immediate_mode(True)
    inactive.set_buffer_size(1 << 20)
    inactive.set_netmap(netmap)
    with inactive.activate() as capture:
        assert capture.snapshot() == 100
        assert capture.timeout == 0.25
        assert capture.explain().backend == f"{netmap} netmap"
        for late in (
            lambda: inactive.set_snaplen(5),
            lambda: inactive.set_timeout(5),
            inactive.activate,
        ):
            with pytest.raises(UsageError, match="can't be changed after"):
                late()


@pytest.mark.parametrize("snaplen", [0, -1, 262145, 2**31 - 1])
def test_senseless_snaplens_mean_no_limit_as_in_libpcap(
    snaplen: int, port_name: Callable, netmap: str
) -> None:
    inactive = nmpcap.create(port_name("a"))
    inactive.set_snaplen(snaplen)
    with inactive.activate() as capture:
        assert capture.snapshot() == 262144
    with nmpcap.open_live(port_name("a"), snaplen, True, -1) as capture:
        assert capture.snapshot() == 262144
        assert capture.timeout is None


def test_open_live_takes_milliseconds(port_name: Callable, netmap: str) -> None:
    with nmpcap.open_live(port_name("a"), 96, True, 20) as capture:
        assert (capture.snapshot(), capture.timeout) == (96, 0.02)
        assert capture.next() is None


def test_what_netmap_cannot_do_is_refused(port_name: Callable, netmap: str) -> None:
    name = port_name("a")
    with pytest.raises(DeviceError, match=f"{name}: That device doesn't support monitor mode"):
        nmpcap.open(name, rfmon=True)
    with pytest.raises(DeviceError, match=f"{name}: That type of time stamp is not supported by that device"):
        nmpcap.open(name, tstamp_type="adapter")
    inactive = nmpcap.create(name)
    assert inactive.can_set_rfmon() is False
    assert inactive.list_tstamp_types() == ["host"]
    inactive.set_rfmon(True)
    with pytest.raises(DeviceError, match="monitor mode"):
        inactive.activate()
    inactive.set_rfmon(False)
    inactive.set_tstamp_type("host")
    inactive.activate().close()
    with pytest.raises(UsageError, match="buffer size 0"):
        nmpcap.create(name).set_buffer_size(0)


def test_what_only_interfaces_have_is_refused(port_name: Callable, netmap: str) -> None:
    name = port_name("a")
    for setting in ({"protocol": 0x800}, {"fanout": nmpcap.Fanout()}, {"qdisc_bypass": True}):
        with pytest.raises(DeviceError, match=f"{name}: {next(iter(setting))} is for Linux interfaces"):
            nmpcap.open(name, **setting)


def test_time_stamp_types_by_name_and_number(port_name: Callable) -> None:
    inactive = nmpcap.create(port_name("a"))
    for wrong in ("never", 6, -1):
        with pytest.raises(UsageError, match="time stamp type"):
            inactive.set_tstamp_type(wrong)
    inactive.set_netmap("user")
    for number in (3, "adapter_unsynced"):
        inactive.set_tstamp_type(number)
        with pytest.raises(DeviceError, match="That type of time stamp is not supported by that device"):
            inactive.activate()
    inactive.set_tstamp_type(0)
    inactive.activate().close()


@pytest.mark.parametrize(("precision", "nano"), [("micro", 0), (0, 0), ("nano", 1), (1, 1), (None, 1)])
def test_precision_is_that_of_savefiles(
    precision: str | int | None, nano: int, port_name: Callable, tmp_path: Path
) -> None:
    inactive = nmpcap.create(port_name("a"))
    inactive.set_netmap("user")
    if precision is not None:
        inactive.set_tstamp_precision(precision)
    with inactive.activate() as capture:
        assert capture.get_tstamp_precision() == nano
        capture.dump_open(tmp_path / "a.pcap").close()
    with nmpcap.open_offline(tmp_path / "a.pcap") as file:
        assert ("nanoseconds" in file.explain().timestamps) == bool(nano)
    with pytest.raises(UsageError, match="time stamp precision 'pico'"):
        nmpcap.create("any").set_tstamp_precision("pico")


def test_a_dead_handle_has_a_link_type_and_nothing_else(tmp_path: Path) -> None:
    with nmpcap.open_dead(113, 200) as dead:
        assert (dead.datalink(), dead.snapshot()) == (113, 200)
        for call in (dead.next, lambda: dead.loop(-1, id), lambda: list(dead)):
            with pytest.raises(DeviceError, match="Packets aren't available from a pcap_open_dead pcap_t"):
                call()
        with pytest.raises(DeviceError, match="Packets can't be sent on a pcap_open_dead pcap_t"):
            dead.inject(bytes(60))
        with dead.dump_open(tmp_path / "dead.pcap") as writer:
            writer.write(nmpcap.Packet(b"x" * 300, 5, linktype=113))
    with nmpcap.open_offline(tmp_path / "dead.pcap") as capture:
        packet = capture.next()
        assert (capture.datalink(), packet.caplen, packet.len, packet.ts_ns) == (113, 200, 300, 5)


@pytest.mark.parametrize("linktype", [-1, 65536])
def test_a_dead_handle_has_a_link_type_that_can_be(linktype: int) -> None:
    with pytest.raises(UsageError, match=f"open_dead: link type {linktype}"):
        nmpcap.open_dead(linktype)


# ---- libpcap's verbs on a handle -----------------------------------------------------------


def test_next_ex_tells_a_timeout_from_the_end() -> None:
    capture, port = fake_capture(available=1, timeout=0)
    assert capture.next_ex() == (1, expected(0))
    assert capture.next_ex() == (0, None)
    capture.breakloop()
    assert capture.next_ex() == (-2, None)
    assert capture.next_ex() == (0, None)
    port.control.end_at = 1
    assert capture.next_ex() == (-2, None)


@pytest.mark.parametrize(
    ("direction", "odd"),
    [(Direction.IN, 0), ("in", 0), (1, 0), (Direction.OUT, 1), ("OUT", 1), (2, 1)],
)
def test_direction_chooses(direction: Direction | int | str, odd: int) -> None:
    capture, _ = fake_capture(available=40, end_at=40, per_fill=20)
    assert capture.next() == expected(0)
    capture.setdirection(direction)
    got = [capture.next() for _ in range(5)]
    assert got == packets(12)[odd or 2 :: 2][:5]
    capture.setdirection("inout")
    rest = list(capture)
    assert rest[-20:] == packets(20, first=20)
    stats = capture.stats()
    assert stats.received == stats.delivered + stats.filtered == 40


def test_direction_and_filter_go_together() -> None:
    capture, _ = fake_capture(available=20, end_at=20)
    capture.setdirection("out")
    capture.setfilter(first_of_ten(4))
    assert [p.ts_ns // 1000 for p in capture] == [1, 3, 11, 13]


@pytest.mark.parametrize("direction", ["up", 3, -1, None])
def test_there_are_three_directions(direction: object) -> None:
    capture, _ = fake_capture()
    with pytest.raises(UsageError, match="there are in, out and inout"):
        capture.setdirection(direction)


def test_savefiles_have_no_direction() -> None:
    capture, _ = fake_capture(savefile=True)
    with pytest.raises(PcapError, match="Setting direction is not supported on savefiles"):
        capture.setdirection("in")


def test_link_types_to_choose_from() -> None:
    capture, _ = fake_capture()
    assert capture.list_datalinks() == [1]
    capture.set_datalink(1)
    with pytest.raises(PcapError, match="fake:0: LINUX_SLL is not one of the DLTs supported by this device"):
        capture.set_datalink(113)
    with pytest.raises(PcapError, match="DLT 4711 is not one of"):
        capture.set_datalink(4711)


def test_sendpacket_sends() -> None:
    capture, port = fake_capture()
    assert capture.sendpacket(b"x" * 60) is None
    assert port.frames() == [b"x" * 60]


# ---- dump ----------------------------------------------------------------------------------


def test_dump_writes_what_loop_would_give(tmp_path: Path) -> None:
    capture, _ = fake_capture(available=100, end_at=100, per_fill=30, snaplen=50)
    assert capture.next() is not None
    with capture.dump_open(tmp_path / "a.pcap") as writer:
        assert capture.dump(writer, 40) == 40
        assert capture.next().ts_ns == 41000
        assert capture.dump(writer) == 58
        assert capture.dump(writer) == 0
    with nmpcap.open_offline(tmp_path / "a.pcap") as saved:
        got = [(p.ts_ns, p.data, p.len) for p in saved]
    numbers = [*range(1, 41), *range(42, 100)]
    assert got == [(p.ts_ns, p.data[:50], p.len) for p in map(expected, numbers)]
    assert capture.stats().delivered == 100


def test_dump_to_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full; to run it: Linux")
    capture, _ = fake_capture(available=20000, end_at=20000, per_fill=100, min_size=1000)
    with (
        pytest.raises(DeviceError) as caught,
        nmpcap.open_writer("/dev/full", compression=None) as writer,
    ):
        capture.dump(writer)
    assert caught.value.errno == errno.ENOSPC
    taken = capture.stats().delivered
    rest = list(capture)
    assert [p.ts_ns for p in rest] == [1000 * i for i in range(taken, 20000)]


def test_breakloop_ends_a_dump(tmp_path: Path) -> None:
    capture, _ = fake_capture(available=100, end_at=100)
    capture.breakloop()
    with capture.dump_open(tmp_path / "a.pcap") as writer:
        assert capture.dump(writer) == 0
        assert capture.dump(writer) == 100
