"""Both parsers of port names, on the rows of netmap's own parse test and on every kind of fault."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmpcap._core import ffi, lib
from nmpcap.netmap import (
    NR_EXCLUSIVE,
    NR_MONITOR_RX,
    NR_MONITOR_TX,
    NR_REG_ALL_NIC,
    NR_REG_NIC_SW,
    NR_REG_ONE_NIC,
    NR_REG_ONE_SW,
    NR_REG_PIPE_MASTER,
    NR_REG_PIPE_SLAVE,
    NR_REG_SW,
    NR_RX_RINGS_ONLY,
    NR_TX_RINGS_ONLY,
    NR_ZCOPY_MON,
)

FAULTS = {
    name.removeprefix("NM_PORTNAME_"): getattr(lib, name)
    for name in dir(lib)
    if name.startswith("NM_PORTNAME_")
}

# What the caller had in fields that a name does not speak of.
LEFT_ALONE = 0xABCD


class Fault(NamedTuple):
    what: str
    position: int


class Decoder:
    """libnetmap's three steps over one text."""

    def __init__(self, spec: str) -> None:
        self.spec = spec
        self.text = ffi.new("char[]", spec.encode())
        self.position = ffi.new("size_t *")
        self.header = ffi.new("struct nmreq_header *")
        self.reg = ffi.new("struct nmreq_register *")
        self.options = ffi.new("struct nm_portname_options *")
        self.error = ffi.new("struct nm_portname_error *")
        ffi.memmove(self.header, b"\xab" * ffi.sizeof(self.header[0]), ffi.sizeof(self.header[0]))
        ffi.memmove(self.reg, b"\xab" * ffi.sizeof(self.reg[0]), ffi.sizeof(self.reg[0]))
        self.reg.nr_flags = 0
        self.reg.nr_mem_id = 0

    def _step(self, call, target) -> Fault | None:
        before = bytes(ffi.buffer(target)), self.position[0]
        if call(self.text, self.position, target, self.error) == 0:
            return None
        assert (bytes(ffi.buffer(target)), self.position[0]) == before, "a failure changes nothing"
        assert lib.nm_portname_reason(self.error.fault) != lib.nm_portname_reason(0)
        return Fault(
            next(name for name, value in FAULTS.items() if value == self.error.fault), self.error.position
        )

    def decode_header(self) -> Fault | None:
        return self._step(lib.nm_portname_header, self.header)

    def decode_register(self) -> Fault | None:
        return self._step(lib.nm_portname_register, self.reg)

    def decode_options(self) -> Fault | None:
        return self._step(lib.nm_portname_options, self.options)

    @property
    def name(self) -> str:
        return ffi.string(self.header.nr_name).decode()

    @property
    def rest(self) -> str:
        return self.spec[self.position[0] :]


GOOD = [
    # text, name, mode, ring, flags, region, what is left for the option parser
    ("netmap:eth0", "eth0", NR_REG_ALL_NIC, None, 0, 0, ""),
    ("netmap:eth0-1", "eth0", NR_REG_ONE_NIC, 1, 0, 0, ""),
    ("netmap:eth0/x", "eth0", NR_REG_ALL_NIC, None, NR_EXCLUSIVE, 0, ""),
    ("netmap:eth0/z", "eth0", NR_REG_ALL_NIC, None, NR_ZCOPY_MON, 0, ""),
    ("netmap:eth0/r", "eth0", NR_REG_ALL_NIC, None, NR_MONITOR_RX, 0, ""),
    ("netmap:eth0/t", "eth0", NR_REG_ALL_NIC, None, NR_MONITOR_TX, 0, ""),
    ("netmap:eth0-2/Tx", "eth0", NR_REG_ONE_NIC, 2, NR_TX_RINGS_ONLY | NR_EXCLUSIVE, 0, ""),
    ("netmap:eth0*", "eth0", NR_REG_NIC_SW, None, 0, 0, ""),
    ("netmap:eth0^", "eth0", NR_REG_SW, None, 0, 0, ""),
    ("netmap:eth0^3", "eth0", NR_REG_ONE_SW, 3, 0, 0, ""),
    ("netmap:eth0@2", "eth0", NR_REG_ALL_NIC, None, 0, 2, ""),
    ("netmap:eth0@2/R", "eth0", NR_REG_ALL_NIC, None, NR_RX_RINGS_ONLY, 2, ""),
    ("netmap:eth0@netmap:lo/R", "eth0", NR_REG_ALL_NIC, None, 0, 0, "@netmap:lo/R"),
    ("netmap:eth0/R@xxx", "eth0", NR_REG_ALL_NIC, None, NR_RX_RINGS_ONLY, 0, "@xxx"),
    ("netmap:eth0@2/R@2", "eth0", NR_REG_ALL_NIC, None, NR_RX_RINGS_ONLY, 2, ""),
    # Refused by older versions of the library, which wanted letters and digits only.
    ("netmap:vale0:0", "vale0:0", NR_REG_ALL_NIC, None, 0, 0, ""),
    ("netmap:eth0&", "eth0&", NR_REG_ALL_NIC, None, 0, 0, ""),
    ("netmap:eth0.100", "eth0.100", NR_REG_ALL_NIC, None, 0, 0, ""),
    ("vale0:0", "vale0:0", NR_REG_ALL_NIC, None, 0, 0, ""),
    ("vale:0", "vale:0", NR_REG_ALL_NIC, None, 0, 0, ""),
    ("valeXXX:YYY", "valeXXX:YYY", NR_REG_ALL_NIC, None, 0, 0, ""),
    ("valeXXX:YYY-4", "valeXXX:YYY", NR_REG_ONE_NIC, 4, 0, 0, ""),
    ("netmap:14", "14", NR_REG_ALL_NIC, None, 0, 0, ""),
    ("netmap:pipe{0", "pipe{0", NR_REG_ALL_NIC, None, 0, 0, ""),
    ("netmap:pipe{in", "pipe{in", NR_REG_ALL_NIC, None, 0, 0, ""),
    ("netmap:pipe}in", "pipe}in", NR_REG_ALL_NIC, None, 0, 0, ""),
    ("netmap:pipe{in-7", "pipe{in", NR_REG_ONE_NIC, 7, 0, 0, ""),
    ("vale0:0{0", "vale0:0{0", NR_REG_ALL_NIC, None, 0, 0, ""),
    ("vale0:0@opt", "vale0:0", NR_REG_ALL_NIC, None, 0, 0, "@opt"),
    ("vale0:0/Tx@opt", "vale0:0", NR_REG_ALL_NIC, None, NR_TX_RINGS_ONLY | NR_EXCLUSIVE, 0, "@opt"),
    ("vale0:0-3@opt", "vale0:0", NR_REG_ONE_NIC, 3, 0, 0, "@opt"),
    ("vale0:a/r/t", "vale0:a", NR_REG_ALL_NIC, None, NR_MONITOR_RX | NR_MONITOR_TX, 0, ""),
    ("netmap:eth0-4094@65535", "eth0", NR_REG_ONE_NIC, 4094, 0, 65535, ""),
    ("netmap:" + 63 * "a", 63 * "a", NR_REG_ALL_NIC, None, 0, 0, ""),
]

NO_HEADER = [
    ("netmap:", Fault("BAD_PORT", 7)),
    ("netmap:^", Fault("BAD_PORT", 7)),
    ("netmap:{", Fault("BAD_PORT", 7)),
    ("netmap:{1", Fault("BAD_PORT", 7)),
    ("eth0", Fault("FOREIGN", 0)),
    ("netmapXXX:eth0", Fault("FOREIGN", 0)),
    ("", Fault("FOREIGN", 0)),
    ("VALE0:a", Fault("FOREIGN", 0)),
    ("netmap:pipe{1}2", Fault("BAD_PIPE", 13)),
    ("netmap:a{", Fault("ENDS_EARLY", 9)),
    ("netmap:a{-7", Fault("BAD_PIPE", 9)),
    ("netmap:a{x.y", Fault("BAD_PIPE", 10)),
    ("vale0", Fault("NO_COLON", 5)),
    ("valentine/x", Fault("NO_COLON", 9)),
    ("vale-1:a", Fault("BAD_SWITCH", 4)),
    ("vale0:", Fault("BAD_PORT", 6)),
    ("vale0:{1", Fault("BAD_PORT", 6)),
    ("netmap:" + 64 * "a", Fault("TOO_LONG", 70)),
]

NO_REGISTER = [
    ("netmap:eth0-", Fault("ENDS_EARLY", 12)),
    ("netmap:eth0-/x", Fault("BAD_RING", 12)),
    ("netmap:eth0-x", Fault("BAD_RING", 12)),
    ("netmap:eth0-4095", Fault("BAD_RING", 12)),
    ("netmap:eth0^99999", Fault("BAD_RING", 12)),
    ("netmap:eth0-1x", Fault("UNEXPECTED", 13)),
    ("netmap:eth0*1", Fault("UNEXPECTED", 12)),
    ("netmap:eth0-1-2", Fault("UNEXPECTED", 13)),
    ("netmap:eth0@2/R@3", Fault("TWO_REGIONS", 16)),
    ("netmap:eth0@", Fault("ENDS_EARLY", 12)),
    ("vale0:0@", Fault("ENDS_EARLY", 8)),
    ("vale0:0/", Fault("ENDS_EARLY", 8)),
    ("vale0:0/q", Fault("BAD_FLAG", 8)),
    ("vale0:0/xq", Fault("BAD_FLAG", 9)),
    ("vale0:0/@2", Fault("BAD_FLAG", 8)),
    ("vale0:0@0", Fault("BAD_REGION", 8)),
    ("vale0:0@65536", Fault("BAD_REGION", 8)),
]


@pytest.mark.parametrize("row", GOOD, ids=lambda row: row[0])
def test_good_name(row: tuple) -> None:
    spec, name, mode, ring, flags, region, rest = row
    decoder = Decoder(spec)
    assert decoder.decode_header() is None
    assert decoder.name == name
    assert decoder.decode_register() is None
    reg = decoder.reg
    assert (reg.nr_mode, reg.nr_flags, reg.nr_mem_id) == (mode, flags, region)
    assert reg.nr_ringid == (0xABAB if ring is None else ring)
    assert reg.nr_tx_slots == 0xABABABAB
    assert decoder.rest == rest


@pytest.mark.parametrize(("spec", "fault"), NO_HEADER)
def test_name_without_a_port(spec: str, fault: Fault) -> None:
    assert Decoder(spec).decode_header() == fault


@pytest.mark.parametrize(("spec", "fault"), NO_REGISTER)
def test_name_with_a_wrong_rest(spec: str, fault: Fault) -> None:
    decoder = Decoder(spec)
    assert decoder.decode_header() is None
    assert decoder.decode_register() == fault


def test_flags_add_to_the_callers_and_a_region_in_the_text_wins() -> None:
    decoder = Decoder("vale0:a/x@7")
    decoder.reg.nr_flags, decoder.reg.nr_mem_id = NR_TX_RINGS_ONLY, 3
    assert decoder.decode_header() is None
    assert decoder.decode_register() is None
    assert decoder.reg.nr_flags == NR_TX_RINGS_ONLY | NR_EXCLUSIVE
    assert decoder.reg.nr_mem_id == 7


# ---- options ---------------------------------------------------------------------------


def decoded_options(spec: str):
    decoder = Decoder("vale0:a" + spec)
    assert decoder.decode_header() is None
    assert decoder.decode_register() is None
    fault = decoder.decode_options()
    return fault and Fault(fault.what, fault.position - len("vale0:a")), decoder.options


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        ("", {}),
        ("@share=netmap:em0", {"share": b"em0"}),
        ("@share:port=vale1:b{2", {"share": b"vale1:b{2"}),
        ("@conf:rings=3", {"tx_rings": 3, "rx_rings": 3}),
        ("@conf:rings=3,tx-rings=2", {"tx_rings": 2, "rx_rings": 3}),
        ("@conf:host-rings=1,host_rx_rings=4", {"host_tx_rings": 1, "host_rx_rings": 4}),
        ("@conf:slots=512,rx_slots=4294967295", {"tx_slots": 512, "rx_slots": 4294967295}),
        ("@extmem=/tmp/x", {"extmem_file": b"/tmp/x"}),
        ("@extmem:buf-num=9,file=/tmp/x", {"extmem_buf_num": 9, "extmem_file": b"/tmp/x"}),
        ("@offset=16", {"has_offset": 1, "offset_initial": 16}),
        ("@offset:initial=2,bits=12", {"has_offset": 1, "offset_initial": 2, "offset_bits": 12}),
        ("@conf:rings=1@share=vale0:b", {"tx_rings": 1, "rx_rings": 1, "share": b"vale0:b"}),
    ],
)
def test_options(spec: str, values: dict[str, object]) -> None:
    fault, options = decoded_options(spec)
    assert fault is None
    for field in dir(options):
        value = getattr(options, field)
        plain = ffi.string(value) if isinstance(value, ffi.CData) else value
        assert plain == values.get(field, b"" if isinstance(value, ffi.CData) else 0), field


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("@opt", Fault("BAD_OPTION", 1)),
        ("@share", Fault("ENDS_EARLY", 6)),
        ("@share=", Fault("BAD_VALUE", 7)),
        ("@share=em0", Fault("FOREIGN", 7)),
        ("@share=vale0:b/x", Fault("UNEXPECTED", 14)),
        ("@share=vale0:b@share=vale0:c", Fault("KEY_TWICE", 15)),
        ("@conf=3", Fault("BAD_KEY", 1)),
        ("@conf:", Fault("ENDS_EARLY", 6)),
        ("@conf:rings", Fault("ENDS_EARLY", 11)),
        ("@conf:rings=", Fault("BAD_VALUE", 12)),
        ("@conf:rings=1x", Fault("BAD_VALUE", 12)),
        ("@conf:rings=65536", Fault("BAD_VALUE", 12)),
        ("@conf:slots=4294967296", Fault("BAD_VALUE", 12)),
        ("@conf:rings=1,rings=2", Fault("KEY_TWICE", 14)),
        ("@conf:rungs=1", Fault("BAD_KEY", 6)),
        ("@conf:rings=1,", Fault("ENDS_EARLY", 14)),
        ("@conf:=1", Fault("BAD_KEY", 6)),
        ("@extmem:buf-num=9", Fault("MISSING_KEY", 1)),
        ("@extmem=" + 256 * "x", Fault("BAD_VALUE", 8)),
        ("@offset:bits=3", Fault("MISSING_KEY", 1)),
        ("@offset=18446744073709551616", Fault("BAD_VALUE", 8)),
        ("@offset=1@", Fault("ENDS_EARLY", 10)),
        ("@=1", Fault("BAD_OPTION", 1)),
    ],
)
def test_wrong_options(spec: str, fault: Fault) -> None:
    assert decoded_options(spec)[0] == fault


# ---- legacy names ------------------------------------------------------------------------


def decoded_legacy(spec: str):
    req = ffi.new("struct nmreq *")
    error = ffi.new("struct nm_portname_error *")
    req.nr_version, req.nr_arg2, req.nr_flags = LEFT_ALONE, 6, 0x10000
    before = bytes(ffi.buffer(req))
    if lib.nm_portname_legacy(spec.encode(), req, error):
        assert bytes(ffi.buffer(req)) == before
        return Fault(next(n for n, v in FAULTS.items() if v == error.fault), error.position), None
    assert req.nr_version == LEFT_ALONE
    assert req.nr_flags & 0x10000
    return None, req


@pytest.mark.parametrize(
    "row",
    [
        ("netmap:eth0", "eth0", 0, NR_REG_ALL_NIC, 0, 6),
        ("netmap:eth0.5:1", "eth0.5:1", 0, NR_REG_ALL_NIC, 0, 6),
        ("netmap:eth0-7", "eth0", 7, NR_REG_ONE_NIC, 0, 6),
        ("netmap:eth0^", "eth0", 0, NR_REG_SW, 0, 6),
        ("netmap:eth0*/xT", "eth0", 0, NR_REG_NIC_SW, NR_EXCLUSIVE | NR_TX_RINGS_ONLY, 6),
        ("netmap:x{3", "x", 3, NR_REG_PIPE_MASTER, 0, 6),
        ("vale0:a}4@9/z", "vale0:a", 4, NR_REG_PIPE_SLAVE, NR_ZCOPY_MON, 9),
        ("vale:a", "vale:a", 0, NR_REG_ALL_NIC, 0, 6),
        ("vale0:" + 9 * "a", "vale0:" + 9 * "a", 0, NR_REG_ALL_NIC, 0, 6),
    ],
    ids=lambda row: row[0],
)
def test_legacy_name(row: tuple) -> None:
    spec, name, ring, mode, flags, region = row
    fault, req = decoded_legacy(spec)
    assert fault is None
    assert ffi.string(req.nr_name).decode() == name
    assert (req.nr_ringid, req.nr_flags & 0xF, req.nr_flags & 0xFFF0) == (ring, mode, flags)
    assert req.nr_arg2 == region


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("eth0", Fault("FOREIGN", 0)),
        ("netmapXXX:eth0", Fault("FOREIGN", 0)),
        ("vale0", Fault("NO_COLON", 5)),
        ("vale.0:a", Fault("BAD_SWITCH", 4)),
        ("vale0:a.b", Fault("BAD_PORT", 7)),
        ("vale0:", Fault("BAD_PORT", 6)),
        ("netmap:", Fault("BAD_PORT", 7)),
        ("vale0:" + 10 * "a", Fault("TOO_LONG", 15)),
        ("netmap:" + 16 * "a", Fault("TOO_LONG", 22)),
        ("netmap:x{in", Fault("BAD_RING", 9)),
        ("netmap:x{", Fault("ENDS_EARLY", 9)),
        ("netmap:x-4095", Fault("BAD_RING", 9)),
        ("netmap:x-/x", Fault("BAD_RING", 9)),
        ("netmap:x^2", Fault("UNEXPECTED", 9)),
        ("netmap:x/k", Fault("BAD_FLAG", 9)),
        ("netmap:x@2@2", Fault("TWO_REGIONS", 11)),
        ("netmap:x@share=y", Fault("BAD_REGION", 9)),
        ("netmap:x@0", Fault("BAD_REGION", 9)),
        ("netmap:x@", Fault("ENDS_EARLY", 9)),
    ],
)
def test_wrong_legacy_name(spec: str, fault: Fault) -> None:
    assert decoded_legacy(spec)[0] == fault


def test_every_fault_is_exercised() -> None:
    seen = {row[-1].what for row in [*NO_HEADER, *NO_REGISTER]}
    seen |= {mark.args[1] and row[1].what for mark in test_wrong_options.pytestmark for row in mark.args[1]}
    seen |= {row[1].what for mark in test_wrong_legacy_name.pytestmark for row in mark.args[1]}
    # A register part begins where the header stopped: at '-', '*', '^', '/', '@' or the end.
    assert set(FAULTS) - seen == {"OK", "UNKNOWN_MODIFIER"}


def test_a_register_part_must_begin_with_a_modifier() -> None:
    decoder = Decoder("x")
    assert decoder.decode_register() == Fault("UNKNOWN_MODIFIER", 0)


# ---- properties ----------------------------------------------------------------------------

ANY_TEXT = st.text(st.sampled_from("netmap:vale0{}-*^/@xrtzRT,=share conf4é~"), max_size=40)


@given(ANY_TEXT.map(lambda text: text.replace("\0", "")), st.booleans())
def test_any_text_is_a_name_or_a_fault(text: str, prefixed: bool) -> None:
    spec = "netmap:" + text if prefixed else text
    size = len(spec.encode())
    decoder = Decoder(spec)
    for step in (decoder.decode_header, decoder.decode_register, decoder.decode_options):
        fault = step()
        if fault:
            assert 0 <= fault.position <= size
            break
    else:
        assert decoder.position[0] == size
    fault, _ = decoded_legacy(spec)
    assert fault is None or 0 <= fault.position <= size


NAMES = st.from_regex(r"\A[a-z0-9_.]{1,12}\Z")
MODES = st.sampled_from(["", "*", "^", "^7", "-0", "-4094"])
FLAGS = st.lists(st.sampled_from("xztrRT"), unique=True).map("".join)


@given(NAMES, st.sampled_from(["", "{1", "}out"]), MODES, FLAGS, st.integers(0, 65535))
def test_what_is_written_is_read(name: str, pipe: str, mode: str, flags: str, region: int) -> None:
    text = f"netmap:{name}{pipe}{mode}" + (f"/{flags}" if flags else "") + (f"@{region}" if region else "")
    decoder = Decoder(text)
    assert decoder.decode_header() is None
    assert decoder.decode_register() is None
    assert decoder.name == name + pipe
    assert decoder.reg.nr_mem_id == region
    assert bin(decoder.reg.nr_flags).count("1") == len(flags)
    assert decoder.rest == ""
