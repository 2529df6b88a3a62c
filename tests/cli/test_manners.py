"""The same command lines, nmdump's and tcpdump's: stdout, stderr, status and files."""

import gzip
import subprocess
import sys

import pytest

import nmpcap

from .programs import CAPTURES, NMDUMP, both, nmdump, tcpdump

DNS = str(CAPTURES / "dns.pcap")
TLS = str(CAPTURES / "tls.pcap")


@pytest.mark.parametrize(
    "words",
    [
        ["-c", "x"],
        ["-c", "0"],
        ["-c", "-1"],
        ["-s", "-1"],
        ["-s", "999999"],
        ["-B", "0"],
        ["-C", "0"],
        ["-C", "x"],
        ["-W", "x"],
        ["-W", "-1"],
        ["-Q", "foo"],
        ["-tttttt"],
        ["-y", "FOO"],
        ["-j", "foo"],
        ["--time-stamp-precision=x"],
        ["-T", "foo"],
        ["-r", "/nonexistent"],
        ["-r", ""],
        ["-V", "/nonexistent"],
        ["-V", "x", "-r", "y"],
        ["-f", "-r", DNS],
        ["-F", "/nonexistent", "-r", DNS],
        ["-d", "-F", "/nonexistent"],
        ["-w", "/nonexistent/x", "-r", DNS],
        ["-w", "/", "-r", DNS],
        ["-Z", "no-such-user", "-r", DNS],
        ["-r", DNS, "port foo"],
        ["-i", "4711"],
        ["-i", "0"],
    ],
    ids=" ".join,
)
def test_refusals_are_in_tcpdumps_words(tmp_path, words):
    ours, theirs = both(tmp_path, *words)
    assert ours.status == theirs.status == 1
    assert ours.err.splitlines()[: len(theirs.err.splitlines())] == theirs.err.splitlines()
    assert ours.out == theirs.out == b""


@pytest.mark.parametrize(
    "words",
    [
        ["-R"],
        ["-vR"],
        ["--foo"],
        ["--foo=1"],
        ["--n"],
        ["--time"],
        ["-c"],
        ["-nc"],
        ["--snapshot-length"],
        ["--number=3"],
    ],
    ids=" ".join,
)
def test_getopts_complaints_are_glibcs(tmp_path, words):
    ours, theirs = both(tmp_path, *words)
    assert ours.status == theirs.status == 1
    assert ours.err.splitlines()[0] == theirs.err.splitlines()[0]
    assert "Usage: nmdump" in ours.err


@pytest.mark.parametrize(
    "words",
    [
        ["--count", "-r", DNS],
        ["--count", "-r", DNS, "udp"],
        ["-r", DNS, "--count", "udp", "port", "53"],
        ["--count", "-r", DNS, "-c", "1"],
        ["--coun", "-c5", "-r", DNS],
        ["--count", "-r", DNS, "--", "udp"],
        ["--count", "-r", DNS, "less", "-c", "80", "100"],
        ["--count", "-r", DNS, "-w", "x.pcap"],
        ["-r", DNS, "-w", "x.pcap"],
        ["-r", DNS, "-w", "x.pcap", "udp"],
        ["-r", DNS, "-w", "x.pcap", "-c", "3", "udp"],
        ["-r", DNS, "-w", "x.pcap", "--nano"],
        ["-r", DNS, "-w", "-", "udp"],
        ["-r", DNS, "-w", "x.pcap", "-s", "20"],
        ["-r", DNS, "-w", "x.pcap", "-U", "icmp or arp"],
        ["-r", TLS, "-w", "x", "-C", "1", "-W", "10"],
        ["-r", TLS, "-w", "x%Y", "-G", "3600"],
        ["-r", TLS, "-w", "x", "-C", "1"],
        ["-ntr", TLS, "--print", "-w", "x", "tcp", "-c", "5"],
    ],
    ids=lambda words: " ".join(word.rpartition("/")[2] for word in words),
)
def test_reading_counts_and_writes_the_same(tmp_path, words):
    ours, theirs = both(tmp_path, *words)
    assert (ours.out, ours.err, ours.status) == (theirs.out, theirs.err, theirs.status)
    assert ours.files == theirs.files


@pytest.mark.parametrize("form", ["d", "dd", "ddd"])
@pytest.mark.parametrize("source", [[], ["-y", "PPP"], ["-r", DNS], ["-s", "96"]], ids=" ".join)
def test_a_filter_is_listed_in_the_same_form(tmp_path, form, source):
    # What is longer may be other instructions: libpcap has another optimizer.
    ours, theirs = both(tmp_path, f"-{form}", *source, "ip")
    stripped = [[line.rstrip() for line in outcome.out.decode().splitlines()] for outcome in (ours, theirs)]
    assert stripped[0] == stripped[1]
    assert (ours.err, ours.status) == (theirs.err, theirs.status)


def test_a_filter_file_has_comments(tmp_path):
    (tmp_path / "filter").write_text("udp # no tcp\nand port 53 # port 80\n")
    words = ["--count", "-F", str(tmp_path / "filter"), "-r", DNS, "this is ignored"]
    ours, theirs = nmdump(*words), tcpdump(*words)
    assert (ours.out, ours.err, ours.status) == (theirs.out, theirs.err, theirs.status)


def test_a_list_of_files_is_read_file_by_file(tmp_path):
    (tmp_path / "list").write_text(f"{DNS}\n{TLS}\n")
    words = ["--count", "-V", str(tmp_path / "list")]
    ours, theirs = both(tmp_path, *words)
    assert (ours.out, ours.err, ours.status) == (theirs.out, theirs.err, theirs.status)
    assert int(ours.out.split()[0]) > 36


@pytest.mark.parametrize("lines", ["", "/nonexistent\n", f"{DNS}\n/nonexistent\n"])
def test_a_list_of_files_with_what_cannot_be_read(tmp_path, lines):
    (tmp_path / "list").write_text(lines)
    words = ["--count", "-V", str(tmp_path / "list")]
    ours, theirs = nmdump(*words), tcpdump(*words)
    assert (ours.err, ours.status) == (theirs.err, theirs.status)


def test_files_of_another_link_type_are_not_mixed(tmp_path):
    with nmpcap.open_dead(12) as raw, raw.dump_open(tmp_path / "raw.pcap") as writer:
        writer.write(bytes(20))
    (tmp_path / "list").write_text(f"{DNS}\n{tmp_path / 'raw.pcap'}\n")
    words = ["-V", str(tmp_path / "list"), "-w", "x"]
    ours, theirs = both(tmp_path, *words)
    assert ours.err == theirs.err
    assert ours.status == theirs.status == 1
    assert nmdump("--count", *words[:2]).out == tcpdump("--count", *words[:2]).out == b"37 packets\n"


def test_standard_input_and_output_are_files(tmp_path):
    data = (CAPTURES / "dns.pcap").read_bytes()
    ours, theirs = (run("-r", "-", "-w", "-", "udp", input=data) for run in (nmdump, tcpdump))
    assert (ours.out, ours.err, ours.status) == (theirs.out, theirs.err, theirs.status)


def test_compressed_files_are_read_and_written(tmp_path):
    compressed = tmp_path / "dns.pcap.gz"
    compressed.write_bytes(gzip.compress((CAPTURES / "dns.pcap").read_bytes()))
    assert nmdump("--count", "-r", str(compressed)).out == b"36 packets\n"
    written = tmp_path / "udp.pcapng.gz"
    assert nmdump("-r", str(compressed), "-w", str(written), "udp").status == 0
    assert gzip.decompress(written.read_bytes())[:4] == b"\x0a\x0d\x0d\x0a"
    assert nmdump("--count", "-r", str(written)).out == b"16 packets\n"


def test_a_damaged_file_gives_its_good_packets_first(tmp_path):
    damaged = tmp_path / "damaged.pcap"
    damaged.write_bytes((CAPTURES / "tls.pcap").read_bytes()[:-7])
    ours, theirs = (run("-ntq", "-r", str(damaged), "tcp") for run in (nmdump, tcpdump))
    assert ours.out == theirs.out
    assert ours.status == theirs.status == 1
    assert "truncated dump file" in ours.err.splitlines()[1]
    assert "truncated dump file" in theirs.err.splitlines()[1]
    assert "at byte" in ours.err


@pytest.mark.parametrize("words", [["-nr", TLS], ["-Xr", TLS]])
def test_a_reader_that_has_gone_is_status_14(tmp_path, words):
    pipeline = f"{NMDUMP} {' '.join(words)} tcp | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", pipeline], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "14\n"
    assert "Unable to write output: Broken pipe" in done.stderr


@pytest.mark.parametrize("also", [[], ["--print", "-t"]])
def test_a_full_disk_is_an_error(also):
    ours = nmdump("-w", "/dev/full", "-r", TLS, *also)
    assert ours.status == 1
    assert "No space left on device" in ours.err
    assert "Traceback" not in ours.err


def test_a_full_disk_on_stdout_is_an_error():
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [NMDUMP, "-tr", TLS], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert done.returncode == 1
    assert done.stderr.endswith("nmdump: Unable to write output: No space left on device\n")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["-A", "-x", "-r", DNS], "-A and -x[x] are mutually exclusive."),
        (["-AX", "-r", DNS], "-A and -X[X] are mutually exclusive."),
        (["-xX", "-r", DNS], "-x[x] and -X[X] are mutually exclusive."),
        (["-C", "1", "-r", DNS], "-C cannot be used without -w."),
        (["-G", "1", "-r", DNS], "-G cannot be used without -w."),
        (["-z", "true", "-r", DNS], "-z cannot be used without -w and (-C or -G)."),
        (["--count"], "--count cannot be used without -r or -V."),
        (["-c", "1x"], "invalid packet count 1x"),
        (["-G", "x"], "invalid number of seconds x"),
        (["-w", "", "-r", DNS], "an empty string is not a valid file name"),
        (["-E", "x", "-r", DNS], "-E is not supported: nmdump decrypts nothing"),
    ],
)
def test_what_tcpdump_takes_in_silence_is_refused(words, text):
    ours = nmdump(*words)
    assert (ours.out, ours.err, ours.status) == (b"", f"PROGRAM: {text}\n", 1)


def test_an_error_in_a_filter_points_at_its_place():
    ours = nmdump("-r", DNS, "udp and port foo")
    assert ours.status == 1
    lines = ours.err.splitlines()
    assert lines[1] == "PROGRAM: unknown port 'foo'"
    assert lines[2].index("foo") == lines[3].index("^")


def test_a_missing_device_has_neighbours():
    ours = nmdump("-i", "lo0")
    assert ours.status == 1
    assert ours.err.splitlines()[0] == "PROGRAM: lo0: No such device exists (did you mean lo?)"


@pytest.mark.parametrize("words", [["-h"], ["--help"], ["-nh"], ["--version"], ["-h", "-Y"]], ids=" ".join)
def test_help_and_version_are_on_stdout(words):
    ours = nmdump(*words)
    assert (ours.err, ours.status) == ("", 0)
    assert ours.out.startswith(b"nmdump version ")
    theirs = tcpdump(*words)
    assert (theirs.err, theirs.status) == ("", 0)
    assert (b"Usage: " in ours.out) == (b"Usage: " in theirs.out)


def test_a_version_is_told_without_reading_what_is_installed():
    command = [sys.executable, "-X", "importtime", "-m", "nmpcap", "dump", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd="/")
    assert " nmpcap.version\n" in done.stderr
    assert "importlib.metadata" not in done.stderr
    assert "argparse" not in done.stderr
