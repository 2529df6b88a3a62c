"""The exceptions: what else catches them, and that they survive pickling and copying whole."""

from __future__ import annotations

import copy
import errno
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor
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
