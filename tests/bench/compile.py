"""Filters: what it takes to compile them, ours beside libpcap's while that finishes."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable, Iterator

from measure import Case, Unavailable, benchmark

import nmpcap

EVERYDAY = (
    "tcp port 80",
    "host 10.0.0.1 and not port 22",
    "udp port 53 or icmp",
    "vlan 100 and ip6 and tcp portrange 8000-8100",
    "tcp port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)",
    "(src net 10.0.0.0/8 or src net 192.168.0.0/16) and not dst net 10.0.0.0/8 and tcp[tcpflags] = tcp-syn",
)
SLOWEST_PEER = 400  # hosts; libpcap's time grows with the cube: seconds here, hours for 10,000


def hosts(count: int) -> str:
    """An ``or`` of as many addresses."""
    rng = random.Random(count)
    return "host " + " or host ".join(
        f"{rng.randrange(1, 224)}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"
        for _ in range(count)
    )


def _libpcap() -> Callable[[str], Callable[[], object]]:
    try:
        library = ctypes.CDLL("libpcap.so.0.8")
    except OSError:
        raise Unavailable("no system libpcap; to run it: apt-get install libpcap0.8") from None
    library.pcap_open_dead.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(library.pcap_open_dead(1, 262144))
    program = ctypes.create_string_buffer(16)

    def compiler(text: str) -> Callable[[], object]:
        encoded = text.encode()

        def compile_and_free() -> None:
            if library.pcap_compile(handle, program, encoded, 1, ctypes.c_uint32(0xFFFFFFFF)):
                raise RuntimeError(f"libpcap does not compile {text[:60]!r}")
            library.pcap_freecode(program)

        return compile_and_free

    return compiler


def _case(label: str, text: str, peer: Callable[[str], Callable[[], object]] | None) -> Case:
    theirs = peer(text) if peer else None
    return Case(label, 1, lambda: nmpcap.compile(text), theirs, "pcap_compile" if theirs else "")


@benchmark(reach=2.0, figure="ms")
def filter_compile() -> Iterator[Case]:
    """Filters as people write them."""
    peer = _libpcap()
    for text in EVERYDAY:
        yield _case(text[:44], text, peer)


@benchmark(reach=100.0, figure="ms")
def filter_compile_hosts() -> Iterator[Case]:
    """Lists of addresses; the last has 10,000."""
    peer = _libpcap()
    for count in (100, SLOWEST_PEER, 1_000, 10_000):
        yield _case(f"{count} hosts", hosts(count), peer if count <= SLOWEST_PEER else None)


@benchmark(reach=2000.0, figure="ms")
def filter_compile_100000_hosts() -> Iterator[Case]:
    """A hundred thousand addresses."""
    yield _case("100000 hosts", hosts(100_000), None)
