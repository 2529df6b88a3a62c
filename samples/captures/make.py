"""Makes the captures anew: real programs talk between two network namespaces joined by a veth pair.

    sudo python3 samples/captures/make.py [FOLDER]

The files go to FOLDER, or beside this program, and replace those of an earlier run once all have been
made; so does PROVENANCE.md, which says what they hold, and in its last section what was found here.

Nothing leaves the machine: no interface of the namespaces leads out of it. They, and all processes, mounts
and temporary files, live in a process namespace of their own, and go with it, even by SIGKILL.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).parent
ROOM = Path("/run/lock")  # inside: a file system in memory that nobody else sees
SITE, KEY, CERTIFICATE = ROOM / "site", ROOM / "key.pem", ROOM / "certificate.pem"
HEADING = "## This copy\n"

CLIENT, SERVER = "192.0.2.1", "192.0.2.53"
CLIENT6, SERVER6 = "2001:db8::1", "2001:db8::53"
ENDS = (("c0", "02:00:00:00:00:01", CLIENT, CLIENT6), ("s0", "02:00:00:00:00:53", SERVER, SERVER6))
PAGE = "\n".join(f"{i:3} the quick brown fox jumps over the lazy dog" for i in range(400))
LONG_TEXT = ",".join(f"part {i} of an answer that one frame cannot hold ".ljust(200, ".") for i in range(12))

# Programs, how they tell their version, and Debian's packages of them.
SAYING = {
    "tcpdump": ("--version", "tcpdump"),
    "ping": ("-V", "iputils-ping"),
    "arping": ("-V", "iputils-arping"),
    "dig": ("-v", "bind9-dnsutils"),
    "dnsmasq": ("--version", "dnsmasq-base"),
    "curl": ("--version", "curl"),
    "openssl": ("version", "openssl"),
    "python3": ("--version", "python3"),
}
SETTING_UP = {"ip": "iproute2", "ethtool": "ethtool", "sysctl": "procps", "unshare": "util-linux"}


def make_captures(stage: Stage) -> None:
    """What is said on the wire, file by file."""
    with stage.captured("everyday.pcap"):
        run("arping", "-c", "2", "-I", "c0", SERVER)
        for address in (SERVER, SERVER6):
            ping(address, count=3)
        dig("www.example.test", "A", "www.example.test", "AAAA")
        run("curl", "-sS4", "http://www.example.test/page.txt")  # its resolver asks the server too
        run("curl", "-sS6", "--head", "http://www.example.test/")
        run("curl", "-sSk", f"https://{SERVER}/index.html")
        run("curl", "-sS", f"tftp://{SERVER}/note.txt")
        for address, in_url in ((SERVER, SERVER), (SERVER6, f"[{SERVER6}]")):
            dig("www.example.test", "-p", "5353", "+tries=1", server=address, answers=False)
            run("curl", "-sS", f"http://{in_url}:81/", fails=True)
            reset_connection(address)
    with stage.captured("dns.pcap"):
        for name in ("www.example.test", "alias.example.test", "nobody.example.test"):
            dig(name, "A")
        for kind in ("MX", "TXT"):
            dig("example.test", kind)
        dig("-x", SERVER)
        dig("www.example.test", "AAAA", server=SERVER6)
        dig("long.example.test", "TXT", "+noedns")  # too long for that: asks again over TCP
    with stage.captured("tls.pcap"):
        run("curl", "-sSk", "--tlsv1.3", f"https://{SERVER}/page.txt")
        server = ("-servername", "www.example.test", "-connect", f"[{SERVER6}]:443")
        run("openssl", "s_client", "-tls1_2", *server)
    with stage.captured("fragments.pcap", "--nano"):
        for address in (SERVER, SERVER6):
            ping(address, "-s", "4000")
            dig("long.example.test", "TXT", "+bufsize=4096", server=address)
    if not stage.has_vlans():
        print("vlan.pcap is left as it was: this kernel has no 802.1Q (modprobe 8021q)", file=sys.stderr)
        return
    stage.add_vlan("10", "198.51.100.", "2001:db8:10::", "id", "10", "egress-qos-map", "0:5")
    stage.add_vlan("20", None, None, "id", "20", "proto", "802.1ad")
    stage.add_vlan("20.30", "203.0.113.", "2001:db8:30::", "id", "30")
    stage.settle()
    with stage.captured("vlan.pcap"):
        for address in (SERVER, "198.51.100.53", "2001:db8:10::53", "203.0.113.53", "2001:db8:30::53"):
            ping(address)


def ping(address: str, *options: str, count: int = 2) -> None:
    """Pings the server."""
    run("ping", "-n", "-c", str(count), "-i", "0.2", *options, address)


def dig(*question: str, server: str = SERVER, answers: bool = True) -> None:
    """Asks the server for a name."""
    run("dig", f"@{server}", "+timeout=1", *question, fails=not answers)


def reset_connection(address: str) -> None:
    """Opens a connection and ends it with a reset."""
    with socket.create_connection((address, 80)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Stage:
    """Two hosts on one wire: the client in this program's own namespace, the server in another."""

    def __init__(self) -> None:
        self.packets: dict[str, int] = {}
        holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        self._there = f"/proc/{holder.pid}/ns/net"
        until(lambda: os.readlink(self._there) != os.readlink("/proc/self/ns/net"))
        run("ip", "link", "add", "c0", "type", "veth", "peer", "name", "s0")
        run("ip", "link", "set", "s0", "netns", str(holder.pid))
        for (link, mac, address, address6), on in zip(ENDS, (run, self._on_server), strict=True):
            # Nothing on the wire but what the programs say.
            quiet = ("accept_ra=0", "router_solicitations=0", "accept_dad=0")
            for conf in ("default", link):
                on("sysctl", "-qw", *(f"net.ipv6.conf.{conf}.{setting}" for setting in quiet))
            # Checksums, segments and tags as on a real wire: all done before it is captured.
            offloads = ("tx", "rx", "tso", "gso", "gro", "txvlan", "rxvlan")
            on("ethtool", "-K", link, *(word for offload in offloads for word in (offload, "off")))
            on("ip", "link", "set", link, "address", mac)
            on("ip", "address", "add", f"{address}/24", "dev", link)
            on("ip", "address", "add", f"{address6}/64", "dev", link)
            for interface in ("lo", link):
                on("ip", "link", "set", interface, "up")
        self._start_servers()
        self.settle()

    def settle(self) -> None:
        """Waits until the reports of new addresses' multicast groups are out."""
        time.sleep(3)

    def _there_is(self, *command: str) -> list[str]:
        return ["nsenter", f"--net={self._there}", *command]

    def _on_server(self, *command: str) -> None:
        run(*self._there_is(*command))

    def _start_servers(self) -> None:
        """Starts DNS with TFTP, HTTP and TLS, and waits until they answer."""
        SITE.mkdir()
        (SITE / "page.txt").write_text(PAGE)
        (SITE / "note.txt").write_text(PAGE[:2000])
        (SITE / "index.html").write_text("<!doctype html><title>example</title><p>It works.</p>\n")
        (ROOM / "resolv.conf").write_text(f"nameserver {SERVER}\n")
        run("mount", "--bind", str(ROOM / "resolv.conf"), "/etc/resolv.conf")
        owner = ("-subj", "/CN=www.example.test", "-keyout", str(KEY), "-out", str(CERTIFICATE))
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *owner)
        zone = (
            f"--host-record=www.example.test,{SERVER},{SERVER6}",
            "--cname=alias.example.test,www.example.test",
            "--mx-host=example.test,www.example.test,10",
            "--txt-record=example.test,v=spf1 -all",
            f"--txt-record=long.example.test,{LONG_TEXT}",
            "--local=/example.test/",
        )
        alone = ("--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root", "--pid-file=")
        more = ("--edns-packet-max=4096", "--enable-tftp", f"--tftp-root={SITE}")
        tls = ("-accept", "443", "-WWW", "-cert", str(CERTIFICATE), "-key", str(KEY))
        for server in (
            ("dnsmasq", "--keep-in-foreground", *alone, *zone, *more),
            ("python3", "-m", "http.server", "80", "--bind", "::"),
            ("openssl", "s_server", *tls),
        ):
            null = subprocess.DEVNULL
            subprocess.Popen(self._there_is(*server), cwd=SITE, stdin=null, stdout=null, stderr=null)
        for address in (SERVER, SERVER6):
            for port in (53, 80, 443):
                until(lambda at=(address, port): socket.create_connection(at).close() is None)

    def has_vlans(self) -> bool:
        """Whether the kernel has 802.1Q interfaces; loads its module if that is how."""
        probe = ("ip", "link", "add", "link", "c0", "name", "probe", "type", "vlan", "id", "1")
        if subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode:
            return False
        run("ip", "link", "delete", "probe")
        return True

    def add_vlan(self, tags: str, net: str | None, net6: str | None, *kind: str) -> None:
        """Adds c0.TAGS and s0.TAGS, with addresses in two networks; tags "20.30" go inside those of "20"."""
        for (link, *_), on, host in zip(ENDS, (run, self._on_server), ("1", "53"), strict=True):
            below, name = f"{link}.{tags}".rpartition(".")[0], f"{link}.{tags}"
            on("ip", "link", "add", "link", below, "name", name, "type", "vlan", *kind)
            if net and net6:
                on("ip", "address", "add", f"{net}{host}/24", "dev", name)
                on("ip", "address", "add", f"{net6}{host}/64", "dev", name)
            on("ip", "link", "set", name, "up")

    @contextmanager
    def captured(self, name: str, *options: str) -> Iterator[None]:
        """Captures the client's end of the wire meanwhile, beginning with empty neighbour tables."""
        command = ["tcpdump", "-i", "c0", "-n", "-s", "0", "--immediate-mode", "-Z", "root", *options]
        tcpdump = subprocess.Popen([*command, "-w", str(ROOM / name)], stderr=subprocess.PIPE, text=True)
        assert tcpdump.stderr
        while "listening on" not in (line := tcpdump.stderr.readline()):
            if not line:
                sys.exit(f"tcpdump for {name} ended at once")
        for (link, *_), on in zip(ENDS, (run, self._on_server), strict=True):
            on("ip", "neighbour", "flush", "dev", link)
        yield
        time.sleep(0.5)
        tcpdump.send_signal(signal.SIGINT)
        _, told = tcpdump.communicate()
        if "\n0 packets dropped by kernel" not in told:
            sys.exit(f"{name}: packets are missing:\n{told}")
        self.packets[name] = int(told.partition(" packets captured")[0].split()[-1])


def run(*command: str, fails: bool = False) -> None:
    """Runs a command, which has to succeed, or with ``fails`` to fail."""
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    done = subprocess.run(command, stdin=null, stdout=pipe, stderr=subprocess.STDOUT, timeout=30, check=False)
    if bool(done.returncode) != fails:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout.decode(errors='replace')}")


def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition, for ten seconds at most; where it cannot be asked, it is not there yet."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(OSError):
            if condition():
                return
        time.sleep(0.05)
    sys.exit("a namespace or server did not come up within ten seconds")


def describe(packets: dict[str, int], rows: dict[str, str]) -> str:
    """The last section of PROVENANCE.md; ``rows``: the table's earlier lines, which new ones replace."""
    made = f"{datetime.now(timezone.utc).date()} | Linux {os.uname().release}"
    for name, count in packets.items():
        rows[name] = f"| `{name}` | {count} | {(ROOM / name).stat().st_size} | {made} |"
    lines = ["", "| file | packets | bytes | made | on |", "|---|---|---|---|---|", *rows.values()]
    lines += ["", "The programs, as of the latest date:", ""]
    for program, (option, _) in SAYING.items():
        told = subprocess.run([program, option], capture_output=True, text=True, check=True)
        version = (told.stdout or told.stderr).splitlines()[0]
        lines.append(f"* {version.partition('  ')[0].partition(' (')[0]}")
    return "\n".join(lines) + "\n"


def main(folder: Path) -> None:
    """Makes all files, in namespaces of this process's own, and puts them into the folder."""
    run("mount", "-t", "tmpfs", "tmpfs", str(ROOM))
    stage = Stage()
    make_captures(stage)
    text, _, before = (HERE / "PROVENANCE.md").read_text().partition(HEADING)
    rows = {line.split("`")[1]: line for line in before.splitlines() if line.startswith("| `")}
    kept = {name: row for name, row in rows.items() if (folder / name).exists()}
    text += HEADING + describe(stage.packets, kept)
    for name in stage.packets:
        (folder / name).write_bytes((ROOM / name).read_bytes())
    (folder / "PROVENANCE.md").write_text(text)


def start() -> int:
    """Starts this program again in its own namespaces, which end with this process."""
    needed = SETTING_UP | {program: package for program, (_, package) in SAYING.items()}
    missing = [package for program, package in needed.items() if not shutil.which(program)]
    if missing:
        sys.exit(f"make.py needs: apt-get install {' '.join(missing)}")
    if os.geteuid() != 0:
        sys.exit("make.py needs root, to make network namespaces")
    folder = Path(sys.argv[1]) if sys.argv[1:] else HERE
    apart = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
    again = (sys.executable, __file__, "--inside", str(folder.resolve(strict=True)))
    return subprocess.run(["setpriv", "--pdeathsig", "KILL", *apart, *again], check=False).returncode


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        main(Path(sys.argv[2]))
    else:
        sys.exit(start())
