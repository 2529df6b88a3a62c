"""Several -r as one stream by time, several -i as one capture."""

import json

import nmpcap

from .programs import CAPTURES, nmdump

TWO = ["-r", str(CAPTURES / "tls.pcap"), "-r", str(CAPTURES / "dns.pcap")]


def test_files_are_merged_by_time(tmp_path):
    written = tmp_path / "merged.pcapng"
    assert nmdump(*TWO, "-w", str(written)).status == 0
    with nmpcap.open_offline(written) as capture:
        merged = list(capture)
        assert len(capture.interfaces) == 2
    expected = []
    for name in ("tls.pcap", "dns.pcap"):
        with nmpcap.open_offline(CAPTURES / name) as capture:
            expected += [(packet.ts_ns // 1000, packet.data) for packet in capture]
    assert [(packet.ts_ns // 1000, packet.data) for packet in merged] == sorted(
        expected, key=lambda packet: packet[0]
    )


def test_a_packet_says_which_file_it_came_from():
    ours = nmdump(*TWO, "--ring", "-ntq", "arp")
    origins = {line.split()[0].rpartition("/")[2] for line in ours.out.decode().splitlines()}
    assert origins == {"tls.pcap", "dns.pcap"}
    records = [json.loads(line) for line in nmdump(*TWO, "--json", "-nx").out.splitlines()]
    assert [record["number"] for record in records] == list(range(1, len(records) + 1))
    assert {record["port"].rpartition("/")[2] for record in records} == {"tls.pcap", "dns.pcap"}
    assert all(len(record["data"]) // 2 <= record["caplen"] <= record["len"] for record in records)
    assert [record["ts_ns"] for record in records] == sorted(record["ts_ns"] for record in records)


def test_a_damaged_file_does_not_keep_the_others_from_being_read(tmp_path):
    damaged = tmp_path / "damaged.pcap"
    damaged.write_bytes((CAPTURES / "dns.pcap").read_bytes()[:500])
    ours = nmdump("-r", str(damaged), *TWO[:2], "-tnq", "-w", str(tmp_path / "x.pcap"))
    assert ours.status == 1
    assert "truncated dump file" in ours.err
    whole = nmdump("--count", *TWO[:2]).out.split()[0]
    merged = nmdump("--count", "-r", str(tmp_path / "x.pcap")).out.split()[0]
    assert int(merged) > int(whole)


def test_link_types_are_mixed_in_pcapng_only(tmp_path):
    raw = tmp_path / "raw.pcap"
    with nmpcap.open_dead(12) as handle, handle.dump_open(raw) as writer:
        writer.write(bytes(20), ts_ns=0)
    both = ["-r", str(raw), *TWO[:2]]
    refused = nmdump(*both, "-w", str(tmp_path / "x.pcap"))
    assert refused.status == 1
    assert refused.err.endswith("packets of several link types; a .pcapng file takes them\n")
    assert nmdump(*both, "-w", str(tmp_path / "x.pcapng")).status == 0
    with nmpcap.open_offline(tmp_path / "x.pcapng") as capture:
        assert {packet.linktype for packet in capture} == {1, 12}
