"""Filters: what a packet costs in our machines and in the system libpcap's bpf_filter.

Both run the same instructions, which libpcap compiled, over the same packets; each side is
one C loop that keeps what passes at the front of an array of views.
"""

from __future__ import annotations

import ctypes
import random
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import Case, Unavailable, benchmark

from nmpcap._core import ffi, lib
from nmpcap.bpf import Instruction
from nmpcap.bpf.native import INTERPRETER, JIT, Native
from nmpcap.errors import PcapError

SEED = 20240229
PACKETS = 1024

LOOP = """
#include <stdint.h>
#include <string.h>

struct view { const uint8_t *data; int64_t ts; uint32_t caplen, len; uint64_t rest; };
typedef uint32_t bpf_filter(const void *program, const uint8_t *pkt, uint32_t wirelen, uint32_t caplen);
typedef uint32_t filter(const void *program, struct view *views, const void *metadata, uint32_t count);

uint32_t peer(bpf_filter *run, const void *program, const struct view *all, struct view *views,
              uint32_t count)
{
    uint32_t kept = 0;

    memcpy(views, all, count * sizeof(*views));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t verdict = run(program, views[i].data, views[i].len, views[i].caplen);

        if (!verdict)
            continue;
        if (kept != i)
            views[kept] = views[i];
        if (views[kept].caplen > verdict)
            views[kept].caplen = verdict;
        kept++;
    }
    return kept;
}

uint32_t ours(filter *run, const void *program, const struct view *all, struct view *views, uint32_t count)
{
    memcpy(views, all, count * sizeof(*views));
    return run(program, views, 0, count);
}
"""

HOSTS = " or ".join(f"host 10.{i % 7}.{i * 37 % 251}.{i * 11 % 241 + 1}" for i in range(50))
FIREWALL = " or ".join(
    [f"(src net 10.{i}.0.0/16 and tcp dst port {8000 + i})" for i in range(10)]
    + [f"(dst host 192.168.{i}.7 and udp src port {5000 + i})" for i in range(10)]
    + ["icmp", "arp", "tcp port 22", "udp port 53", "tcp portrange 6000-6063"]
    + ["(ip6 and tcp port 443)", "(ip[6:2] & 0x1fff != 0)", "ether multicast", "igmp", "not ip and not ip6"]
)
FILTERS = {
    "udp port 53": "udp port 53",
    "net 10.0.0.0/8": "net 10.0.0.0/8",
    "portrange 6000-6063": "portrange 6000-6063",
    "50 hosts": HOSTS,
    "30-term firewall": FIREWALL,
}


def make_packets(count: int = PACKETS) -> list[bytes]:
    """TCP, UDP, ICMP, ARP and IPv6 in no order, a tenth or so of interest to each filter."""
    rng = random.Random(SEED)
    return [_make_packet(rng) for _ in range(count)]


def _make_packet(rng: random.Random) -> bytes:
    kind = rng.choices(("tcp", "udp", "icmp", "arp", "tcp6"), (50, 30, 4, 4, 12))[0]
    size = rng.choice((60, 60, 90, 250, 590, 1514))
    ports = struct.pack("!HH", _port(rng), _port(rng))
    if kind == "arp":
        body = b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + bytes(6) + _ipv4(rng) + bytes(10)
    elif kind == "tcp6":
        addresses = rng.randbytes(32)
        body = b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, size - 54, 6, 64) + addresses + ports
    else:
        protocol = {"tcp": 6, "udp": 17, "icmp": 1}[kind]
        header = struct.pack("!BBHHHBBH", 0x45, 0, size - 14, 1, 0x4000, 64, protocol, 0)
        body = b"\x08\x00" + header + _ipv4(rng) + _ipv4(rng) + ports
    return (rng.randbytes(6) + rng.randbytes(6) + body).ljust(size, b"\0")


def _ipv4(rng: random.Random) -> bytes:
    if rng.random() < 0.1:
        host = rng.randrange(50)
        return bytes((10, host % 7, host * 37 % 251, host * 11 % 241 + 1))
    return rng.choice((b"\xac\x10", b"\xc0\xa8", b"\x08\x08")) + rng.randbytes(2)


def _port(rng: random.Random) -> int:
    return rng.choice((53, 80, 443, 6010, *(rng.randrange(1024, 65536) for _ in range(12))))


class Libpcap:
    """The system library: compiles filters and runs them."""

    class Program(ctypes.Structure):
        """struct bpf_program"""

        _fields_ = (("bf_len", ctypes.c_uint), ("bf_insns", ctypes.c_void_p))

    def __init__(self) -> None:
        try:
            self.library = ctypes.CDLL("libpcap.so.0.8")
        except OSError:
            raise Unavailable("no system libpcap; to run it: apt-get install libpcap0.8") from None
        self.library.pcap_open_dead.restype = ctypes.c_void_p
        self.handle = ctypes.c_void_p(self.library.pcap_open_dead(1, 262144))

    def compile(self, expression: str) -> Program:
        """Compile for Ethernet, optimised; lives as long as the process."""
        program = self.Program()
        compiled = self.library.pcap_compile(
            self.handle, ctypes.byref(program), expression.encode(), 1, ctypes.c_uint32(0xFFFFFFFF)
        )
        if compiled:
            raise RuntimeError(f"libpcap does not compile {expression!r}")
        return program


def _compile_loops(folder: str) -> ctypes.CDLL:
    compiler = shutil.which("cc")
    if not compiler:
        raise Unavailable("no C compiler for the loops; to run it: apt-get install gcc libc6-dev")
    source, library = Path(folder, "loops.c"), Path(folder, "loops.so")
    source.write_text(LOOP)
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
    return ctypes.CDLL(str(library))


def _native(insns: list[Instruction], machine: int) -> Native:
    try:
        return Native(insns, machine)
    except PcapError as error:
        raise Unavailable(f"{error}; to run it: use x86-64 or AArch64, without an execmem rule") from None


def _cases(machine: int) -> Iterator[Case]:
    libpcap = Libpcap()
    filter_address = _address(ffi.addressof(lib, "nm_program_filter"))
    with tempfile.TemporaryDirectory() as folder:
        loops = _compile_loops(folder)
        packets = [ffi.from_buffer("uint8_t[]", packet) for packet in make_packets()]
        all_views = ffi.new("struct nm_view[]", len(packets))
        for view, packet in zip(all_views, packets, strict=True):
            view.data, view.caplen, view.len = packet, len(packet), len(packet)
        views = ffi.new("struct nm_view[]", len(packets))
        for label, expression in FILTERS.items():
            program = libpcap.compile(expression)
            raw = ctypes.string_at(program.bf_insns, 8 * program.bf_len)
            native = _native([Instruction(*fields) for fields in struct.iter_unpack("=HBBI", raw)], machine)
            shared = (_address(all_views), _address(views), len(packets))
            ours = _call(loops.ours, filter_address, _address(native.pointer), *shared)
            peer = _call(loops.peer, libpcap.library.bpf_filter, ctypes.c_void_p(program.bf_insns), *shared)
            if ours() != peer():
                raise RuntimeError(f"{label}: we keep {ours()} packets, libpcap {peer()}")
            share = f"{label} ({100 * ours() // len(packets)} % pass)"
            yield Case(share, len(packets), ours, peer, "bpf_filter")


def _address(pointer: Any) -> ctypes.c_void_p:
    return ctypes.c_void_p(int(ffi.cast("uintptr_t", pointer)))


def _call(loop: Any, *arguments: Any) -> Any:
    loop.restype = ctypes.c_uint32
    return lambda: loop(*arguments)


@benchmark(reach=1.0)
def filter_vm() -> Iterator[Case]:
    """Our interpreter beside libpcap's."""
    yield from _cases(INTERPRETER)


@benchmark(reach=3.0)
def filter_jit() -> Iterator[Case]:
    """Our machine code beside libpcap's interpreter."""
    yield from _cases(JIT)
