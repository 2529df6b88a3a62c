"""The exceptions: what else catches them, and that they survive pickling and copying whole."""

from __future__ import annotations

import copy
import errno
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import pytest

import nmpcap
from nmpcap import (
    DeviceError,
    FilterError,
    PcapError,
    PortNameError,
    ProgramError,
    SavefileError,
    UsageError,
    netmap,
)
from nmpcap.savefile import LimitReached


def refused(text: str) -> FilterError:
    with pytest.raises(FilterError) as caught:
        nmpcap.compile(text)
    return caught.value


EXCEPTIONS: list[PcapError] = [
    PcapError("what"),
    PcapError("eth9: what; do this", name="eth9"),
    DeviceError(errno.ENOENT, "eth9: no such device", "eth9"),
    DeviceError(errno.EIO, "", None),
    PortNameError("vale: what", 3, foreign=True),
    UsageError("what"),
    refused("tcp port"),
    ProgramError("what", 7),
    SavefileError("x.pcap: cut (at byte 9)", 9, "cut"),
    LimitReached("full"),
]
WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{
        f"pickle {n}": lambda e, n=n: pickle.loads(pickle.dumps(e, n))
        for n in range(pickle.HIGHEST_PROTOCOL + 1)
    },
}


def facts(error: BaseException) -> dict[str, object]:
    """All that an exception says."""
    names = ("errno", "strerror", "filename", "position", "foreign", "index", "offset", "reason", "args")
    return {"type": type(error), "text": str(error)} | {
        name: getattr(error, name) for name in names if hasattr(error, name)
    }


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("error", EXCEPTIONS, ids=lambda error: type(error).__name__)
def test_copies_say_the_same(error: PcapError, way: str) -> None:
    assert facts(WAYS[way](error)) == facts(error)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="no notes; to run it: Python 3.11")
@pytest.mark.parametrize("error", EXCEPTIONS, ids=lambda error: type(error).__name__)
def test_notes_go_with_a_copy(error: PcapError) -> None:
    noted = copy.copy(error)
    noted.add_note("while testing")
    assert pickle.loads(pickle.dumps(noted)).__notes__ == ["while testing"]


def test_a_pool_passes_a_filters_error_on() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool, pytest.raises(FilterError) as caught:
        pool.submit(nmpcap.compile, "tcp port").result(timeout=60)
    assert caught.value.position == refused("tcp port").position


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOENT, FileNotFoundError),
        (errno.EACCES, PermissionError),
        (errno.EPERM, PermissionError),
        (errno.EPIPE, BrokenPipeError),
        (errno.EEXIST, FileExistsError),
        (errno.EINTR, InterruptedError),
        (errno.EAGAIN, BlockingIOError),
        (errno.ENOTDIR, NotADirectoryError),
        (errno.EIO, OSError),
    ],
)
def test_an_errno_is_caught_by_pythons_name_for_it(number: int, kind: type[OSError]) -> None:
    error = DeviceError(number, "words")
    assert isinstance(error, kind)
    assert isinstance(error, DeviceError)
    assert type(error).__name__ == "DeviceError"
    assert type(OSError(number, "")) is kind
    assert (error.errno, str(error)) == (number, "words")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "no.pcap"
    with pytest.raises(FileNotFoundError) as caught:
        nmpcap.open_offline(path)
    assert isinstance(caught.value, DeviceError)
    assert caught.value.filename == str(path)


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    path = tmp_path / "no" / "x.pcap"
    with pytest.raises(FileNotFoundError) as caught:
        nmpcap.open_writer(path)
    assert caught.value.filename == str(path)


def test_a_port_that_is_not_there() -> None:
    with pytest.raises(DeviceError) as caught:
        nmpcap.open("no-such-if0")
    assert caught.value.filename == "no-such-if0"


def test_a_filters_reason_is_libpcaps_words() -> None:
    assert "\n" in str(refused("tcp port"))
    assert "\n" not in refused("tcp port").reason


def test_a_port_name_error_keeps_its_place() -> None:
    with pytest.raises(PortNameError) as caught:
        netmap.parse_port_name("vale0:a{")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.position, again.foreign) == (
        str(caught.value),
        caught.value.position,
        caught.value.foreign,
    )


# ---- libpcap's bare words ---------------------------------------------------------------------


def of(call: Callable[..., object], *arguments: object, **keywords: object) -> PcapError:
    with pytest.raises(PcapError) as caught:
        call(*arguments, **keywords)
    return caught.value


def written_to_a_full_disk() -> None:
    writer = nmpcap.open_writer("/dev/full")
    writer.write(b"x")
    try:
        writer.flush()
    finally:
        with suppress(DeviceError):
            writer.close()


@pytest.mark.parametrize(
    ("failing", "reason", "filename"),
    [
        (lambda: of(nmpcap.open, "nosuch0"), "No such device exists", "nosuch0"),
        (lambda: of(nmpcap.open, "lo", rfmon=True), "That device doesn't support monitor mode", "lo"),
        (lambda: of(nmpcap.open_offline, "/no/such"), "No such file or directory", "/no/such"),
        (lambda: of(nmpcap.open_offline, "/"), "error reading dump file: Is a directory", "/"),
        (lambda: of(nmpcap.open_offline, __file__), "unknown file format", None),
        (lambda: of(nmpcap.open_writer, "/no/such/x"), "No such file or directory", "/no/such/x"),
        (lambda: of(written_to_a_full_disk), "error writing dump file: No space left on device", "/dev/full"),
        (
            lambda: of(nmpcap.vale.destroy, "nosuch", netmap="user"),
            "nosuch: there is no persistent port",
            "nosuch",
        ),
        (lambda: of(nmpcap.lookupnet, "nosuch0"), "looking up its network: No such device", "nosuch0"),
        (
            lambda: of(netmap.nm_open, "netmap:nosuch0", netmap="user"),
            "cannot open the port",
            "netmap:nosuch0",
        ),
        (lambda: refused("tcp port"), "can't parse filter expression: syntax error", None),
    ],
)
def test_the_reason_is_bare(failing: Callable[[], PcapError], reason: str, filename: str | None) -> None:
    error = failing()
    assert reason in error.reason
    assert "; " not in error.reason
    assert "\n" not in error.reason
    assert "(at byte" not in error.reason
    assert getattr(error, "filename", None) == filename
    if filename and not error.reason.startswith("destroying"):
        assert filename not in error.reason or filename == "/"
        assert str(error).startswith(f"{filename}: {error.reason}")


def test_the_reason_of_a_handles_refusal(tmp_path: Path) -> None:
    nmpcap.open_writer(tmp_path / "x").close()
    with nmpcap.open_offline(tmp_path / "x") as capture:
        assert of(capture.setdirection, "in").reason == "Setting direction is not supported on savefiles"
        assert of(capture.set_datalink, 105).reason.endswith(
            "is not one of the DLTs supported by this device"
        )
    assert of(capture.next).reason == "this handle has been closed"
    inactive = nmpcap.create("vale0:a", netmap="user")
    inactive.activate().close()
    assert of(inactive.set_snaplen, 5).reason.startswith("the setting can't be changed after")
