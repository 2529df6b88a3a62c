"""Rotation: every packet in one file, every file whole, periods on time."""

from __future__ import annotations

import errno
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import pytest

from nmpcap import DeviceError, PcapError, UsageError
from nmpcap._core import ffi, lib
from nmpcap.savefile import Reader, Record, Writer
from nmpcap.savefile.rotate import RotatingWriter

from ..later import Later
from .pcapfiles import Layout, some_packets


def make_packet(number: int, size: int = 100) -> Record:
    return Record(number * 1000, number.to_bytes(size, "big"), size, 0, 1, 0)


def numbers_in(path: Path) -> list[int]:
    with Reader(path) as reader:
        return [record.ts_ns // 1000 for record in reader]


class Clock:
    """A wall clock that a test sets."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def set_zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


def test_by_size_no_file_is_longer(tmp_path: Path) -> None:
    limit = 24 + 10 * 116
    with RotatingWriter(str(tmp_path / "trace-{number:03}.pcap"), max_bytes=limit) as writer:
        assert writer.write_many(make_packet(i) for i in range(95)) == 95
        assert writer.packets == 95
        assert len(writer.files) == 9
    assert [path.name for path in writer.files] == [f"trace-{i:03}.pcap" for i in range(10)]
    assert [len(numbers_in(path)) for path in writer.files] == [10] * 9 + [5]
    assert list(chain.from_iterable(map(numbers_in, writer.files))) == list(range(95))
    assert max(path.stat().st_size for path in writer.files) == limit


def test_a_packet_over_the_limit_has_a_file_to_itself(tmp_path: Path) -> None:
    with RotatingWriter(str(tmp_path / "{number}.pcap"), max_bytes=1000) as writer:
        for number, size in enumerate((100, 5000, 6000, 100)):
            writer.write(make_packet(number, size))
    assert [numbers_in(path) for path in writer.files] == [[0], [1], [2], [3]]


def test_by_count(tmp_path: Path) -> None:
    with RotatingWriter(str(tmp_path / "{number}.pcapng.gz"), max_packets=7) as writer:
        writer.write_many(make_packet(i) for i in range(20))
    assert [numbers_in(path) for path in writer.files] == [
        list(range(7)),
        list(range(7, 14)),
        list(range(14, 20)),
    ]


def test_views_go_where_single_packets_would(tmp_path: Path, rng: random.Random) -> None:
    source = tmp_path / "source"
    source.write_bytes(Layout().file(some_packets(rng, 1000)))
    views = ffi.new("struct nm_view[100]")
    with (
        Reader(source) as reader,
        RotatingWriter(str(tmp_path / "one-{number}.pcap"), max_bytes=20_000, max_packets=33) as one,
    ):
        one.write_many(reader)
    with (
        Reader(source) as reader,
        RotatingWriter(str(tmp_path / "many-{number}.pcap"), max_bytes=20_000, max_packets=33) as many,
    ):
        while (count := lib.nm_savefile_fill(reader.source, views, 100)) > 0:
            many.write_views(views, count)
    assert [path.read_bytes() for path in one.files] == [path.read_bytes() for path in many.files]
    assert one.packets == many.packets == 1000


def test_only_the_newest_files_are_kept(tmp_path: Path) -> None:
    name = str(tmp_path / "{number}.pcap")
    with RotatingWriter(name, max_packets=1, max_files=3) as writer:
        writer.write_many(make_packet(i) for i in range(10))
        writer.files[0].unlink()  # somebody else has taken it
        writer.write_many(make_packet(i) for i in range(10, 12))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["10.pcap", "11.pcap", "9.pcap"]


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    whole: list[tuple[str, list[int]]] = []
    with RotatingWriter(
        str(tmp_path / "{number}.pcap"),
        max_packets=2,
        on_file=lambda path: whole.append((path.name, numbers_in(path))),
    ) as writer:
        writer.write(make_packet(0))
        assert [path.name for path in tmp_path.glob("*.pcap")] == []
        [working] = tmp_path.iterdir()
        assert working.name.startswith(".0.pcap.")
        writer.write_many([make_packet(1), make_packet(2)])
        assert whole == [("0.pcap", [0, 1])]
    assert whole == [("0.pcap", [0, 1]), ("1.pcap", [2])]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.pcap", "1.pcap"]


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "trace.pcap.gz").write_bytes(b"precious")
    with RotatingWriter(str(tmp_path / "trace.pcap.gz"), max_packets=1) as writer:
        writer.write_many(make_packet(i) for i in range(3))
    assert (tmp_path / "trace.pcap.gz").read_bytes() == b"precious"
    assert [path.name for path in writer.files] == [f"trace-{i}.pcap.gz" for i in (1, 2, 3)]
    assert [numbers_in(path) for path in writer.files] == [[0], [1], [2]]


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_may_do_without_links(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **keywords: object) -> None:
        raise OSError(code, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    with RotatingWriter(str(tmp_path / "x.pcap"), max_packets=1) as writer:
        writer.write_many(make_packet(i) for i in range(3))
    assert [path.name for path in writer.files] == ["x.pcap", "x-1.pcap", "x-2.pcap"]
    assert [numbers_in(path) for path in writer.files] == [[0], [1], [2]]


# ---- time -----------------------------------------------------------------------------


def test_periods_begin_at_round_times(tmp_path: Path, clock: Clock, zone) -> None:
    zone("UTC")
    clock.now = 1_700_000_000  # 22:13:20
    with RotatingWriter(
        str(tmp_path / "%Y-%m-%d %H%M%S.pcap"), max_seconds=900, clock=clock, background=False
    ) as writer:
        for number in range(60):
            writer.write(make_packet(number))
            clock.now += 60
    assert [path.name for path in writer.files] == [
        "2023-11-14 220000.pcap",
        "2023-11-14 221500.pcap",
        "2023-11-14 223000.pcap",
        "2023-11-14 224500.pcap",
        "2023-11-14 230000.pcap",
    ]
    assert [len(numbers_in(path)) for path in writer.files] == [2, 15, 15, 15, 13]


@pytest.mark.parametrize(
    ("place", "seconds", "first"),
    [
        ("Asia/Kathmandu", 3600, "03:00"),
        ("Asia/Kathmandu", 86400, "00:00"),
        ("America/St_Johns", 1800, "18:30"),
    ],
)
def test_round_times_are_those_of_the_local_day(
    place: str, seconds: int, first: str, tmp_path: Path, zone
) -> None:
    zone(place)
    if time.localtime(0).tm_gmtoff == 0:
        pytest.skip("no time zones here; to run it: apt-get install tzdata")
    name = str(tmp_path / "%H:%M.pcap")
    with RotatingWriter(name, max_seconds=seconds, clock=Clock(), background=False) as writer:
        writer.write(make_packet(0))
    assert [path.name for path in writer.files] == [f"{first}.pcap"]


def test_poll_ends_a_period_without_packets(tmp_path: Path, clock: Clock) -> None:
    with RotatingWriter(str(tmp_path / "x.pcap"), max_seconds=60, clock=clock, background=False) as writer:
        assert writer.poll() is None
        writer.write(make_packet(0))
        left = writer.poll()
        assert left is not None
        assert 0 < left <= 60
        clock.now += left - 0.001
        assert writer.poll() == pytest.approx(0.001, abs=1e-4)
        assert writer.files == []
        clock.now += 0.002
        assert writer.poll() is None
        assert [numbers_in(path) for path in writer.files] == [[0]]


def test_a_period_ends_in_the_background(tmp_path: Path) -> None:
    whole = threading.Event()
    with RotatingWriter(str(tmp_path / "x.pcap"), max_seconds=1, on_file=lambda _: whole.set()) as writer:
        writer.write(make_packet(0))
        assert whole.wait(60)
        assert [numbers_in(path) for path in writer.files] == [[0]]
    assert not [thread for thread in threading.enumerate() if thread.name == "nmpcap rotation"]


def test_packets_are_flushed_in_the_background(tmp_path: Path) -> None:
    with RotatingWriter(str(tmp_path / "x.pcap"), max_seconds=3600, flush_after=0.05) as writer:
        writer.write(make_packet(0))
        [working] = tmp_path.iterdir()
        until = time.monotonic() + 60
        while working.stat().st_size < 24 + 116:
            assert time.monotonic() < until
            time.sleep(0.01)


@pytest.mark.parametrize("kind", [OSError, PcapError, ZeroDivisionError])
def test_what_fails_in_the_background_is_told_by_the_next_call(kind: type, tmp_path: Path) -> None:
    failed = threading.Event()

    def refuse(path: Path, **keywords: object) -> None:
        failed.set()
        raise kind(f"{path}: cannot be moved")

    writer = RotatingWriter(str(tmp_path / "{number}.pcap"), max_seconds=1, on_file=refuse)
    for number in range(2):  # the first failure does not end the thread
        writer.write(make_packet(number))
        assert failed.wait(60)
        with pytest.raises(kind, match=f"{number}.pcap: cannot be moved"):
            writer.flush()
        failed.clear()
    writer.close()
    assert [numbers_in(path) for path in writer.files] == [[0], [1]]


def test_a_file_that_cannot_get_its_name_says_where_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    writer = RotatingWriter(str(folder / "x.pcap"))
    writer.write(make_packet(0))
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(DeviceError, match=r"x\.pcap: what was written is in .*part: No such file"):
        writer.close()
    [left] = (tmp_path / "elsewhere").iterdir()
    assert numbers_in(left) == [0]


def test_threads_may_share_a_writer(tmp_path: Path) -> None:
    with RotatingWriter(str(tmp_path / "{number}.pcap"), max_packets=100, max_seconds=1) as writer:
        threads = [
            Later(0, lambda k=k: [writer.write(make_packet(4 * i + k)) for i in range(500)]) for k in range(4)
        ]
        for thread in threads:
            thread.join()
    assert sorted(chain.from_iterable(map(numbers_in, writer.files))) == list(range(2000))


# ---- the rest -------------------------------------------------------------------------


def test_a_function_may_name_the_files(tmp_path: Path, clock: Clock) -> None:
    with RotatingWriter(
        lambda number, start: tmp_path / f"{number}-{start:.0f}.pcap", max_packets=1, clock=clock
    ) as writer:
        writer.write_many([make_packet(0), make_packet(1)])
    assert [path.name for path in writer.files] == ["0-1700000000.pcap", "1-1700000000.pcap"]


def test_each_file_describes_its_interfaces(tmp_path: Path) -> None:
    with RotatingWriter(str(tmp_path / "{number}.pcapng"), max_packets=1) as writer:
        writer.describe_interface(name="eth0")
        writer.write(make_packet(0))
        writer.describe_interface(1, name="eth1")
        writer.write(make_packet(1)._replace(interface=1))
    for path, names in zip(writer.files, (["eth0", "eth1"], ["eth0", "eth1"]), strict=True):
        with Reader(path) as reader:
            list(reader)
            assert [interface.name for interface in reader.interfaces] == names


def test_flush_and_rotate_on_request(tmp_path: Path) -> None:
    with RotatingWriter(str(tmp_path / "{number}.pcap")) as writer:
        writer.flush()
        writer.rotate()
        writer.write(make_packet(0))
        writer.flush()
        [working] = tmp_path.iterdir()
        assert numbers_in(working) == [0]
        writer.rotate()
        writer.write(make_packet(1))
    assert [numbers_in(path) for path in writer.files] == [[0], [1]]


def test_a_closed_writer_says_so_and_a_folder_that_is_not_there_too(tmp_path: Path) -> None:
    writer = RotatingWriter(str(tmp_path / "missing" / "x.pcap"))
    with pytest.raises(DeviceError, match="No such file or directory"):
        writer.write(make_packet(0))
    writer.close()
    writer.close()
    with pytest.raises(PcapError, match="the writer is closed"):
        writer.write(make_packet(0))


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    for number in ("", ".1"):
        (tmp_path / f".trace.pcap.{os.getpid()}{number}.part").symlink_to(victim)
    with RotatingWriter(str(tmp_path / "trace.pcap")) as writer:
        writer.write(make_packet(1))
    assert victim.read_bytes() == b"precious"
    assert numbers_in(tmp_path / "trace.pcap") == [1]


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("eth0.100.pcap", "eth0.100-1.pcap"),
        ("eth0.100.pcap.gz", "eth0.100-1.pcap.gz"),
        ("eth0.100", "eth0.100-1"),
        ("trace", "trace-1"),
        ("trace.gz", "trace-1.gz"),
        ("a.b.dump", "a.b-1.dump"),
        (".hidden", ".hidden-1"),
    ],
)
def test_the_number_goes_before_the_suffixes(name: str, second: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    with RotatingWriter(str(tmp_path / name)) as writer:
        writer.write(make_packet(1))
    assert [path.name for path in writer.files] == [second]


def test_a_day_begins_at_midnight_when_the_clock_is_set(
    tmp_path: Path, clock: Clock, zone: Callable[[str], None]
) -> None:
    zone("CET-1CEST,M3.5.0,M10.5.0/3")
    clock.now = 1_761_429_600.0  # 2025-10-26, the day with 25 hours, at 00:00
    name = str(tmp_path / "%d-%H.pcap")
    with RotatingWriter(name, every="day", clock=clock, background=False) as writer:
        for hour in range(26):
            writer.write(make_packet(hour))
            clock.now += 3600
    assert [path.name for path in writer.files] == ["26-00.pcap", "27-00.pcap"]
    assert [len(numbers_in(path)) for path in writer.files] == [25, 1]
    with pytest.raises(UsageError, match="every 'fortnight': one of hour, day, week, month, and without"):
        RotatingWriter(name, every="fortnight")
    with pytest.raises(UsageError, match="without max_seconds"):
        RotatingWriter(name, every="day", max_seconds=60)


def in_child(work: Callable[[], None]) -> None:
    """Run in a forked child, which must come through it."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.parametrize("suffix", ["pcap", "pcapng", "pcap.gz"])
def test_a_forked_child_leaves_the_file_to_its_parent(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"single.{suffix}"
    with (
        RotatingWriter(str(tmp_path / f"trace.{suffix}"), max_seconds=3600) as files,
        Writer(path) as single,
    ):
        for number in range(3):
            files.write(make_packet(number))
            single.write(make_packet(number))

        def leave() -> None:
            assert single.packets == 3
            files.close()
            single.close()

        in_child(leave)
        assert not files.files
        assert path.stat().st_size == 0
        files.write(make_packet(3))
        single.write(make_packet(3))
    assert numbers_in(path) == [0, 1, 2, 3]
    assert numbers_in(files.files[0]) == [0, 1, 2, 3]
    assert sorted(os.listdir(tmp_path)) == [f"single.{suffix}", f"trace.{suffix}"]


def test_a_forked_child_that_writes_takes_the_file_over(tmp_path: Path) -> None:
    files = RotatingWriter(str(tmp_path / "trace.pcap"), max_seconds=3600)
    single = Writer(tmp_path / "single.pcap")
    files.write(make_packet(0))
    single.write(make_packet(0))

    def go_on() -> None:
        for writer in (files, single):
            writer.write(make_packet(1))
            writer.write(make_packet(2))
            writer.close()

    in_child(go_on)
    assert numbers_in(tmp_path / "trace.pcap") == numbers_in(tmp_path / "single.pcap") == [0, 1, 2]
    files._inherit()  # the parent of a daemon goes without a word
    single._inherit()
    files.close()
    single.close()
    assert numbers_in(tmp_path / "single.pcap") == [0, 1, 2]


def test_repr_says_where_it_is(tmp_path: Path) -> None:
    name = f"{tmp_path}/{{number}}.pcap"
    writer = RotatingWriter(name, max_packets=1)
    assert repr(writer) == f"<RotatingWriter {name!r}, 0 files whole, no file open>"
    writer.write(b"x")
    assert repr(writer) == f"<RotatingWriter {name!r}, 0 files whole, writing {tmp_path}/0.pcap>"
    writer.close()
    assert repr(writer) == f"<RotatingWriter {name!r}, 1 files whole, closed>"


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        ({"max_bytes": "1M"}, TypeError, "max_bytes must be an int, not str"),
        ({"max_seconds": -5}, UsageError, "max_seconds -5: 0"),
        ({"max_packets": 1.5}, TypeError, "max_packets must be an int, not float"),
        ({"max_files": None}, TypeError, "max_files must be an int, not None"),
        ({"linktype": "EN10MB"}, TypeError, "linktype must be an int, not str"),
        ({"name": 5}, TypeError, "the name of its files must be a str, not int"),
    ],
)
def test_an_argument_of_a_wrong_kind_is_named(arguments: dict, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        RotatingWriter(**{"name": "x", **arguments})
