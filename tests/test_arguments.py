"""Strangers' mistakes: every public call that opens, names or numbers something, with what makes no sense."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import nmpcap
from nmpcap import PcapError, PortNameError, UsageError, netmap, vale
from nmpcap._arguments import encoded, instance, number, text
from nmpcap.packet import Packet

from .layers import ROOT


class Odd:
    """Raises where it is asked to be something."""

    def __index__(self) -> int:
        raise ZeroDivisionError

    def __fspath__(self) -> str:
        raise ZeroDivisionError


NUMBERS = (-1, 2**15, 2**31, 2**32, 2**63, -(2**63), 2**64, 2**200)
TEXTS = ("", "x", "a/b", "\0", "a\0b", "x" * 5000, "\udcff", "\ud800", "vale:", "netmap:", "file:", "{", "é")
OTHERS = (
    *(None, True, 1.5, float("nan"), float("inf"), b"", b"x", b"x\0", bytearray(b"x"), memoryview(b"x")),
    *([], (), {}, set(), range(3), [None], ["x"], 1j, object(), len, nmpcap, Exception, Odd()),
    *(Path("nothing"), io.StringIO("x")),
)
VALUES = (*NUMBERS, *TEXTS, *OTHERS)
# What a program may be told. Anything else has come from inside.
FAIR = (TypeError, PcapError, OverflowError, ZeroDivisionError)


def outcome(call: Callable[..., Any], *arguments: Any, **keywords: Any) -> str:
    """ "" where the call was refused fairly or went well, else what came out of it."""
    try:
        result = call(*arguments, **keywords)
    except FAIR as error:
        return "nothing is said" if not str(error) and not isinstance(error, ZeroDivisionError) else ""
    except Exception as error:
        if type(error) is ValueError and str(error):
            return ""
        return f"{type(error).__name__}: {error}"
    close = getattr(result, "close", None)
    if close:
        close()
    return ""


@pytest.fixture(autouse=True)
def user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NMPCAP_NETMAP", "user")
    monkeypatch.chdir(tmp_path)


def activate(device: Any, setting: str, *values: Any) -> nmpcap.Capture:
    inactive = nmpcap.create(device)
    if setting:
        getattr(inactive, setting)(*values)
    return inactive.activate()


def set_parameter(value: Any) -> None:
    before = vale.get_parameter("no_timestamp")
    try:
        vale.set_parameter("no_timestamp", value)
    finally:
        vale.set_parameter("no_timestamp", before)


PORT = "vale0:stranger"
# First the calls of one argument, then the keywords of others.
CALLS: dict[str, Callable[[Any], Any]] = {
    "open": nmpcap.open,
    "open_live": lambda v: nmpcap.open_live(v, 100, True, 10),
    "open_live snaplen": lambda v: nmpcap.open_live(PORT, v, True, 10),
    "open_live to_ms": lambda v: nmpcap.open_live(PORT, 100, True, v),
    "open_offline": nmpcap.open_offline,
    "open_dead": nmpcap.open_dead,
    "open_writer": nmpcap.open_writer,
    "create": lambda v: activate(v, ""),
    "compile": nmpcap.compile,
    "lookupnet": nmpcap.lookupnet,
    "findalldevs netmap": lambda v: nmpcap.findalldevs(netmap=v),
    "datalink_name_to_val": nmpcap.datalink_name_to_val,
    "nm_open": netmap.nm_open,
    "parse_port_name": netmap.parse_port_name,
    "Device.open": netmap.Device.open,
    "vale.list_ports": vale.list_ports,
    "vale.list_all": lambda v: vale.list_all(netmap=v),
    "vale.find": vale.find,
    "vale.destroy": vale.destroy,
    "vale.attach": vale.attach,
    "vale.attach mem_id": lambda v: vale.attach(PORT, mem_id=v),
    "vale.detach": vale.detach,
    "vale.port_info": vale.port_info,
    "vale.port_info mem_id": lambda v: vale.port_info(PORT, mem_id=v),
    "vale.counters": vale.counters,
    "vale.get_header_length": vale.get_header_length,
    "vale.set_header_length": lambda v: vale.set_header_length(PORT, v),
    "vale.get_parameter": vale.get_parameter,
    "vale.set_parameter": set_parameter,
    "vale.set_parameter name": lambda v: vale.set_parameter(v, 0),
    **{
        f"open {keyword}": lambda v, keyword=keyword: nmpcap.open(PORT, **{keyword: v})
        for keyword in ("snaplen", "timeout", "netmap", "buffer_size", "tstamp_type", "speed")
    },
    **{
        f"open lo {keyword}": lambda v, keyword=keyword: nmpcap.open("lo", **{keyword: v})
        for keyword in (
            *("buffer_size", "tstamp_type", "tstamp_precision", "protocol", "fanout", "qdisc_bypass"),
            *("snaplen", "timeout", "speed"),
        )
    },
    "Fanout": nmpcap.Fanout,
    "open_dead precision": lambda v: nmpcap.open_dead(1, tstamp_precision=v),
    "datalink_val_to_name": nmpcap.datalink_val_to_name,
    **{
        f"create {setting}": lambda v, setting=setting: activate(PORT, f"set_{setting}", v)
        for setting in ("snaplen", "timeout", "buffer_size", "tstamp_type", "netmap", "fanout")
    },
    **{
        f"open_writer {keyword}": lambda v, keyword=keyword: nmpcap.open_writer("w.pcap", **{keyword: v})
        for keyword in ("linktype", "snaplen", "nano", "format", "compression")
    },
    **{
        f"nm_open {keyword}": lambda v, keyword=keyword: netmap.nm_open(PORT, **{keyword: v})
        for keyword in ("flags", "parent", "req", "netmap", "tx_slots", "tx_rings", "mem_id", "timestamps")
    },
    **{
        f"vale.create {keyword}": lambda v, keyword=keyword: (
            vale.create("stranger", **{keyword: v}),
            vale.destroy("stranger"),
        )
        for keyword in ("tx_slots", "rx_slots", "tx_rings", "rx_rings", "mem_id")
    },
    **{
        f"Packet {keyword}": lambda v, keyword=keyword: Packet(b"x", **{keyword: v})
        for keyword in ("ts_ns", "len", "linktype", "interface")
    },
}


@pytest.mark.filterwarnings("ignore:.* was asked for:RuntimeWarning")
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_makes_no_sense_is_refused_in_words(call: Callable[[Any], Any]) -> None:
    told = {f"{value!r:.60}": outcome(call, value) for value in VALUES}
    assert {value: text for value, text in told.items() if text} == {}


# Waits, and what ends another handle, are not for this.
LEFT_OUT = {
    "close",
    "wait",
    "wake",
    "next",
    "next_ex",
    "loop",
    "dispatch",
    "next_batch",
    "batches",
    "drain",
    "poll",
    "release",
}


@pytest.fixture
def handles() -> Iterator[dict[str, Any]]:
    """One of each kind, open and closed."""
    makers = {
        "Capture": lambda name: nmpcap.open(f"vale0:c{name}"),
        "NmDesc": lambda name: netmap.nm_open(f"vale0:n{name}"),
        "Device": lambda name: netmap.Device.open(),
        "Writer": lambda name: nmpcap.open_writer(f"{name}.pcap"),
        "dead": lambda name: nmpcap.open_dead(1),
        "Reader": lambda name: nmpcap.savefile.Reader(str(ROOT / "samples" / "captures" / "dns.pcap")),
    }
    with ExitStack() as stack:
        found = {kind: stack.enter_context(make("open")) for kind, make in makers.items()}
        for kind, make in makers.items():
            found[f"closed {kind}"] = make("closed")
            found[f"closed {kind}"].close()
        desc = found["NmDesc"]
        found["Ring"], found["Slot"] = desc.rx_rings[0], desc.tx_rings[0].slots[0]
        yield found


def test_methods_of_open_and_closed_handles(handles: dict[str, Any]) -> None:
    wrong = {}
    for kind, handle in handles.items():
        for name in sorted(set(dir(handle)) - LEFT_OUT):
            if name.startswith("_") or name == "write_views":
                continue
            try:
                method = getattr(handle, name)
            except FAIR:
                continue
            if not callable(method):
                continue
            if kind.startswith("closed"):
                wrong[f"{kind}.{name}()"] = outcome(method)
            for value in VALUES:
                wrong[f"{kind}.{name}({value!r:.40})"] = outcome(method, value)
                wrong[f"{kind}.{name}({value!r:.40}, the same)"] = outcome(method, value, value)
    assert {call: text for call, text in wrong.items() if text} == {}
    assert len(wrong) > 2000


def test_properties_of_closed_handles(handles: dict[str, Any]) -> None:
    """Each tells what it was, or that the handle is closed; none touches what is gone."""
    wrong, asked = {}, 0
    for kind, handle in handles.items():
        if kind.startswith("closed"):
            for name in sorted(name for name in dir(type(handle)) if not name.startswith("_")):
                wrong[f"{kind}.{name}"] = outcome(getattr, handle, name)
                asked += 1
    assert {call: text for call, text in wrong.items() if text} == {}
    assert asked > 100


def test_a_closed_reader_tells_what_it_was() -> None:
    reader = nmpcap.savefile.Reader(str(ROOT / "samples" / "captures" / "dns.pcap"))
    assert reader.skip() > 0
    before = reader.offset, reader.damage, reader.interfaces, reader.linktype, reader.snaplen
    reader.close()
    assert (reader.offset, reader.damage, reader.interfaces, reader.linktype, reader.snaplen) == before
    for call in (reader.refill, lambda: reader.error(-5), reader.skip, lambda: next(iter(reader))):
        with pytest.raises(UsageError, match="the savefile is closed"):
            call()


def test_settable_fields(handles: dict[str, Any]) -> None:
    fields = [
        *(("Capture", "timeout"), ("Ring", "head"), ("Ring", "cur"), ("Ring", "flags")),
        *(("Slot", field) for field in ("buf_idx", "len", "flags", "ptr")),
    ]
    wrong = {
        f"{kind}.{field} = {value!r:.40}": outcome(setattr, handles[kind], field, value)
        for kind, field in fields
        for value in VALUES
    }
    assert {call: text for call, text in wrong.items() if text} == {}


def test_dump_looks_at_its_writer_before_it_waits(handles: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="dump writes to a Writer, not None"):
        handles["Capture"].dump(None)


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: nmpcap.open(None), TypeError, "the name of a port must be a str, not None"),
        (lambda: nmpcap.open(Path("x")), TypeError, "the name of a port must be a str, not PosixPath"),
        (lambda: nmpcap.open("a\0b"), PortNameError, "contains a NUL"),
        (lambda: nmpcap.open(PORT, snaplen="9"), TypeError, "snapshot length must be an int, not str"),
        (lambda: nmpcap.open(PORT, buffer_size=0), UsageError, "buffer size 0: 1 .. 2147483647"),
        (lambda: nmpcap.open(PORT, netmap=1), TypeError, "netmap= must be a str, not int"),
        (lambda: nmpcap.create(7), TypeError, "the name of a port must be a str, not int"),
        (lambda: nmpcap.lookupnet(b"lo"), TypeError, "the name of a device must be a str, not bytes"),
        (lambda: vale.create("x", tx_rings=-1), UsageError, "tx_rings -1: 0 .. 65535"),
        (lambda: vale.attach(None), TypeError, "attaching a port: its name must be a str, not None"),
        (lambda: netmap.nm_open(PORT, parent=3), TypeError, "nm_open: parent must be a NmDesc, not int"),
        (lambda: netmap.nm_open(PORT, mem_id=2**16), UsageError, "nm_open: mem_id 65536: 0 .. 65535"),
    ],
)
def test_the_argument_is_named(call: Callable[[], object], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert words in str(caught.value)


def test_the_checks_themselves() -> None:
    assert text("x", "it") == "x"
    assert encoded("\udcffé", "it") == b"\xff\xc3\xa9"
    assert number(True, "it", 0, 1) == 1
    assert instance(3, int, "it") is None
    with pytest.raises(PortNameError) as caught:
        encoded("ab\0", "it")
    assert caught.value.position == 2
    with pytest.raises(PortNameError, match="half a surrogate pair"):
        encoded("a\ud800", "it")
    with pytest.raises(UsageError, match=r"it 5: 0 \.\. 4"):
        number(5, "it", 0, 4)
    with pytest.raises(ZeroDivisionError):
        number(Odd(), "it", 0, 4)
