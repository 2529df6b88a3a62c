"""The four programs of python-libpcap: what libpcap-merge, -capture, -write and -read call."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator

from .base import Sniff
from .exception import LibpcapError
from .open import OpenPcap
from .parse import Packet
from .pcap import mpcap

__all__ = ["pylibpcap_merge", "pylibpcap_read", "pylibpcap_sniff", "pylibpcap_write"]


@contextlib.contextmanager
def _telling(status: int | None = None) -> Iterator[None]:
    """Print what libpcap refused, and end the program where there is a status for that."""
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    except LibpcapError as error:
        print(error)
        if status is not None:
            sys.exit(status)


def pylibpcap_merge() -> None:
    """Write captures behind each other."""
    parser = argparse.ArgumentParser(description="Merge captures.")
    parser.add_argument("filter", nargs="*", help="which packets: a filter expression")
    parser.add_argument("-i", "--input", required=True, help="a capture, or a folder of them")
    parser.add_argument("-o", "--output", required=True, help="the capture to write to")
    options = parser.parse_args()
    with _telling():
        mpcap(options.input, options.output, " ".join(options.filter))


def pylibpcap_sniff() -> None:
    """Capture from a device."""
    parser = argparse.ArgumentParser(description="Capture packets.")
    parser.add_argument("-i", "--iface", required=True, help="the device")
    parser.add_argument("-c", "--count", type=int, default=-1, help="how many packets; -1: without end")
    parser.add_argument("-t", "--timeout", type=int, default=0, help="milliseconds to wait for a packet")
    parser.add_argument("--promisc", type=int, default=0, help="1: frames for others, too")
    parser.add_argument("--immediate-mode", type=int, default=0, help="1: each packet when it comes")
    parser.add_argument("-o", "--output", help="a savefile to write them to")
    parser.add_argument("-v", "--view", action="store_true", help="print a line a packet")
    parser.add_argument("-vp", "--view-payload", action="store_true", help="and its bytes")
    parser.add_argument("filter", nargs="*", help="which packets: a filter expression")
    options = parser.parse_args()
    sniffer = None
    with _telling(1):
        sniffer = Sniff(
            options.iface,
            count=options.count,
            promisc=options.promisc,
            filters=" ".join(options.filter),
            timeout=options.timeout,
            out_file=options.output or "",
            immediate_mode=options.immediate_mode,
        )
        for number, (size, _, data) in enumerate(sniffer.capture(), 1):
            if size == 0:
                raise Exception(f"Capture timeout ({options.timeout})")
            if options.view:
                print(number, Packet(data, size).to_string(options.view_payload))
    if sniffer is not None:
        stats = sniffer.stats()
        print("\n")
        print(stats.capture_cnt, " packets captured")
        print(stats.ps_recv, " packets received by filter")
        print(stats.ps_drop, "  packets dropped by kernel")
        print(stats.ps_ifdrop, "  packets dropped by iface")
        sniffer.close()


def pylibpcap_write() -> None:
    """Write one packet behind those of a capture."""
    parser = argparse.ArgumentParser(description="Write a packet.")
    parser.add_argument("-o", "--output", required=True, help="the capture")
    parser.add_argument("payload", nargs=1, help="its bytes, in hexadecimal")
    options = parser.parse_args()
    with _telling(), OpenPcap(options.output, "a") as file:
        file.write(bytes.fromhex(options.payload[0]))


def pylibpcap_read() -> None:
    """Read a capture."""
    parser = argparse.ArgumentParser(description="Read a capture.")
    parser.add_argument("-i", "--input", required=True, help="the capture")
    parser.add_argument("filter", nargs="*", help="which packets: a filter expression")
    parser.add_argument("-v", "--view", action="store_true", help="print a line a packet")
    parser.add_argument("-p", "--view-payload", action="store_true", help="and its bytes")
    options = parser.parse_args()
    count = 0
    with _telling(1), OpenPcap(options.input, "r", filters=" ".join(options.filter)) as file:
        for size, _, data in file.read():
            count += 1
            if options.view:
                print(Packet(data, size).to_string(options.view_payload))
    print("\nPacket Count:", count)
