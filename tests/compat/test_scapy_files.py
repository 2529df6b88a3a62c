"""scapy's readers and ours give the same of every file, whole or damaged."""

from __future__ import annotations

import gzip
import io
import logging

import pytest

pytest.importorskip("scapy", reason="to run it: pip install scapy")

from nmpcap.compat import scapy
from scapy import utils
from scapy.error import Scapy_Exception

import nmpcap

from .captures import FILES, FRAMES, PACKETS, PLAIN

DAMAGED = {
    "an absurd length": PLAIN[:32] + b"\xff\xff\xff\x7f" + PLAIN[36:],
    "only a header": PLAIN[:24],
    "cut in a header": PLAIN[:24] + PLAIN[24:33],
    "no packets but a tail": PLAIN[:24] + b"\x01\x02",
}


def everything(module, path):
    """What a module's readers give of a file, in each of their ways."""
    with module.RawPcapReader(path) as reader:
        facts = (reader.linktype, reader.snaplen, reader.nano, reader.endian)
        raw = [(data, tuple(metadata), metadata._fields) for data, metadata in reader]
    with module.PcapReader(path) as reader:
        packets = [(bytes(packet), packet.time, packet.wirelen, type(packet)) for packet in reader]
    with module.RawPcapReader(path) as reader:
        first = next(reader, None)
        short = reader._read_packet(10) if first and len(raw) > 1 else None
        rest = list(reader)
    listed = module.rdpcap(path, count=3)
    return facts, raw, packets, first, short, rest, [bytes(packet) for packet in listed], listed.listname


@pytest.mark.parametrize("what", [*FILES, *DAMAGED])
def test_every_file_reads_alike(tmp_path, what):
    path = tmp_path / "a.pcap"
    path.write_bytes({**FILES, **DAMAGED}[what])
    logging.getLogger("scapy").setLevel(logging.ERROR)
    assert everything(scapy, str(path)) == everything(utils, str(path))


def test_files_compressed_open_and_elsewhere(tmp_path):
    path = tmp_path / "a.pcap.gz"
    path.write_bytes(gzip.compress(PLAIN))
    assert [data for data, _ in scapy.RawPcapReader(str(path))] == FRAMES
    assert [data for data, _ in scapy.RawPcapReader(io.BytesIO(PLAIN))] == FRAMES
    reader = scapy.RawPcapReader(io.BytesIO(PLAIN))
    assert [reader.recv() for _ in FRAMES] == FRAMES
    with pytest.raises(EOFError):
        reader.recv()


def test_pcapng_is_scapys_and_scapys_classes_stay(tmp_path):
    path = tmp_path / "a.pcapng"
    with nmpcap.open_writer(path) as writer:
        for given in PACKETS:
            writer.write(given.data, ts_ns=given.seconds * 10**9)
    assert [data for data, _ in scapy.RawPcapReader(str(path))] == FRAMES
    assert [bytes(packet) for packet in scapy.rdpcap(str(path))] == FRAMES
    assert utils.RawPcapNgReader.alternative is utils.RawPcapReader
    assert type(utils.PcapReader(str(path))) is utils.PcapNgReader


def test_what_is_no_capture_is_said_as_scapy_says_it(tmp_path):
    path = tmp_path / "a"
    for content in (b"", b"nothing like a capture"):
        path.write_bytes(content)
        for module in (scapy, utils):
            with pytest.raises(Scapy_Exception, match=r"No data could be read|Not a supported capture file"):
                module.RawPcapReader(str(path))


def test_a_sniffer_takes_a_reader_as_a_socket(tmp_path):
    from scapy.sendrecv import sniff

    path = tmp_path / "a.pcap"
    path.write_bytes(PLAIN)
    with scapy.PcapReader(str(path)) as reader:
        assert [bytes(packet) for packet in sniff(opened_socket=reader)] == FRAMES
