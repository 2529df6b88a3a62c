"""What a killed, forked or thoughtless process does to others, and what unusable runtime directories say.

The instruction at which a process dies is tests/c/usernet_death.c's business; here it is what programs see.
"""

from __future__ import annotations

import array
import gc
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from errno import EACCES, EEXIST, ELOOP, ENOMEM, ENOTDIR, EPERM, EPROTO
from pathlib import Path

import pytest

from nmpcap import PcapError, netmap, vale
from nmpcap.errors import DeviceError, UsageError

SMALL = {"tx_slots": 32, "rx_slots": 64}


@pytest.fixture(autouse=True)
def deadline() -> Iterator[None]:
    """No test here may hang: what waits is interrupted, and says where it was."""

    def too_long(*_: object) -> None:
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NMPCAP_NETMAP", "user")


def number(i: int) -> bytes:
    return i.to_bytes(4, "big") * 15


def broadcast(i: int) -> bytes:
    return b"\xff" * 6 + b"\2\0\0\0\0\1\x88\xb5" + i.to_bytes(4, "big") * 12


def drain(port: netmap.NmDesc) -> list[bytes]:
    """All packets there are; their slots are free again."""
    port.rxsync()
    packets = []
    while header := netmap.nm_nextpkt(port):
        packets.append(bytes(header.buf))
    port.rxsync()
    return packets


class Process:
    """A Python that has run some code to its end, says so, and stays until it is killed."""

    def __init__(self, code: str, folder: Path) -> None:
        prelude = "import sys\nfrom nmpcap import netmap, vale\n"
        epilogue = "\nprint('ready', flush=True)\nsys.stdin.read()\n"
        self.popen = subprocess.Popen(
            [sys.executable, "-c", prelude + code + epilogue],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.popen.stdout
        assert self.popen.stdout.readline() == "ready\n"

    def kill(self) -> None:
        self.popen.kill()
        with self.popen:
            self.popen.wait()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Callable[[str], Process]]:
    started: list[Process] = []

    def start(code: str) -> Process:
        started.append(Process(code, tmp_path))
        return started[-1]

    yield start
    for one in started:
        one.kill()


# ---- killed ----------------------------------------------------------------------------


def test_ports_of_the_dead_disappear_at_once(process) -> None:
    with netmap.nm_open("vale1:me", **SMALL):
        dead = process("a = netmap.nm_open('vale1:a'); b = netmap.nm_open('vale2:b')")
        assert {port.name for port in vale.list_ports()} == {"vale1:me", "vale1:a", "vale2:b"}
        dead.kill()
        assert [port.name for port in vale.list_ports()] == ["vale1:me"]
        assert vale.find("vale1:a") is None


def test_the_next_process_removes_what_the_last_one_left(process, runtime_dir: Path) -> None:
    process("a = netmap.nm_open('vale1:a'); p = netmap.nm_open('netmap:x{1')").kill()
    assert list(runtime_dir.iterdir()) != []
    assert vale.list_ports() == []
    assert list(runtime_dir.iterdir()) == []


def test_a_dead_process_s_exclusive_port_can_be_had(process) -> None:
    code = "a = netmap.nm_open('vale1:a', req=netmap.NmRequest(flags=netmap.NR_EXCLUSIVE))"
    process(code).kill()
    with netmap.nm_open("vale1:a", req=netmap.NmRequest(flags=netmap.NR_EXCLUSIVE), **SMALL) as port:
        assert port.rx_rings[0].empty


def test_who_opens_a_dead_process_s_port_gets_a_fresh_one(process) -> None:
    with netmap.nm_open("vale1:me", **SMALL) as me:
        dead = process("a = netmap.nm_open('vale1:a'); netmap.nm_inject(a, b'unsent' * 10)")
        netmap.nm_inject(me, broadcast(0))
        me.txsync()
        dead.kill()
        with netmap.nm_open("vale1:a", **SMALL) as port:
            assert port.tx_rings[0].head == 0
            assert drain(port) == []
            assert vale.counters("vale1:a").received == 0


def test_the_survivor_of_a_pipe_keeps_its_packets_and_its_end(process) -> None:
    with netmap.nm_open("netmap:x{1") as master:
        dead = process(
            "s = netmap.nm_open('netmap:x}1')\n"
            "netmap.nm_inject_many(s, [i.to_bytes(4, 'big') * 15 for i in range(500)])"
        )
        dead.kill()
        assert drain(master) == [number(i) for i in range(500)]
        netmap.nm_inject_many(master, [number(i) for i in range(100)])
        with netmap.nm_open("netmap:x}1") as slave:
            assert drain(slave) == [number(i) for i in range(100)]
            netmap.nm_inject_many(slave, [number(7)])
            assert drain(master) == [number(7)]


def test_a_dead_monitor_is_no_burden(process) -> None:
    with netmap.nm_open("vale1:a", **SMALL) as a, netmap.nm_open("vale1:b", **SMALL) as b:
        for mode in ("/rt", "/z"):
            dead = process(f"m = netmap.nm_open('vale1:a{mode}')")
            netmap.nm_inject(a, broadcast(1))
            a.txsync()
            dead.kill()
            for i in range(100):
                netmap.nm_inject(a, broadcast(i))
                a.txsync()
                assert drain(b)[-1] == broadcast(i)


def test_a_monitor_of_a_dead_port_says_so(process) -> None:
    dead = process("a = netmap.nm_open('vale1:a')")
    with netmap.nm_open("vale1:a/rt", **SMALL) as monitor:
        dead.kill()
        vale.list_ports()
        with pytest.raises(DeviceError, match="vale1:a/rt: wait: the port has failed"):
            monitor.wait(5)


def wait_for_ever(port: netmap.NmDesc, how: str) -> None:
    """Wait for packets that never come, until an error does, or in vain for 20 s."""
    began = time.monotonic()
    with select.epoll() as epoll:
        epoll.register(port.fileno(), select.EPOLLIN)
        while time.monotonic() - began < 20:
            if how == "select":
                select.select([port], [], [], 20)
            elif how == "epoll":
                epoll.poll(20)
            port.wait(20 if how == "wait" else 0)


@pytest.mark.parametrize("how", ["wait", "select", "epoll"])
def test_who_waits_learns_of_a_watched_port_s_death(process, how: str) -> None:
    """Nobody else is there who would look for the dead."""
    dead = process("a = netmap.nm_open('vale1:a')")
    with netmap.nm_open("vale1:a/rt", **SMALL) as monitor:
        dead.kill()
        with pytest.raises(DeviceError, match="the port has failed"):  # in a second or three
            wait_for_ever(monitor, how)


def test_what_the_dead_were_in_the_way_of_goes_at_the_first_try(process) -> None:
    with netmap.nm_open("vale1:me", **SMALL):
        dead = process("p = netmap.nm_open('netmap:x{1')")
        vale.list_ports()  # so that the next request does not look for the dead by itself
        dead.kill()
        netmap.nm_open("vale1:x", **SMALL).close()  # there was an interface of that name


def test_a_dead_receiver_does_not_block_a_patient_sender(process) -> None:
    with netmap.nm_open("vale1:a", backpressure=True, **SMALL) as sender:
        dead = process("b = netmap.nm_open('vale1:b', rx_slots=16)")
        while netmap.nm_inject(sender, broadcast(0)):
            sender.txsync()
        assert sender.wait(0.2, select.POLLOUT) == 0
        dead.kill()
        assert sender.wait(20, select.POLLOUT) == select.POLLOUT


def test_hundreds_of_deaths(process, rng, runtime_dir: Path) -> None:
    """Processes doing all kinds of things are killed at random moments; those that live go on."""
    nursery = subprocess.Popen(
        [sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=runtime_dir.parent
    )
    assert nursery.stdin
    assert nursery.stdout
    with (
        nursery,
        netmap.nm_open("vale0:a", **SMALL) as a,
        netmap.nm_open("vale0:b", **SMALL) as b,
        netmap.nm_open("netmap:own{1") as master,
        netmap.nm_open("netmap:own}1") as slave,
    ):
        for i in range(300):
            nursery.stdin.write(rng.randbytes(1))
            nursery.stdin.flush()
            child = int.from_bytes(nursery.stdout.read(4), "little")
            time.sleep(rng.random() * 0.006)
            os.kill(child, signal.SIGKILL)
            nursery.stdout.read(1)
            drain(b)  # full of what the dead one sent
            netmap.nm_inject(a, broadcast(i))
            a.txsync()
            assert drain(b) == [broadcast(i)]
            netmap.nm_inject(master, number(i))
            master.txsync()
            assert drain(slave) == [number(i)]
            drain(a)
            if i % 10 == 0:
                assert {port.name for port in vale.list_ports("vale0")} <= {"vale0:a", "vale0:b", "vale0:p"}
        nursery.stdin.close()
    for call, name in ((vale.detach, "vale0:p"), (vale.destroy, "p")):
        with suppress(DeviceError):  # there may be none
            call(name)


# Forks a child for every byte it reads, which says what the child does until it is killed.
NURSERY = """
import contextlib, os, struct, sys
from nmpcap import DeviceError, netmap, vale

SMALL = {"tx_slots": 32, "rx_slots": 64}
FRAME = b"\\xff" * 6 + b"\\2\\0\\0\\0\\0\\2\\x88\\xb5" + bytes(50)

def opening():
    netmap.nm_open("vale0:c", **SMALL).close()

def sending():
    with netmap.nm_open("vale0:c", **SMALL) as port:
        for _ in range(50):
            netmap.nm_inject_many(port, [FRAME] * 20)
            port.rxsync()

def pipe():
    with netmap.nm_open("netmap:own{2") as master, netmap.nm_open("netmap:own}2") as slave:
        for _ in range(20):
            netmap.nm_inject_many(master, [FRAME] * 100)
            slave.wait(0.01)
            while netmap.nm_nextpkt(slave):
                pass

def monitor():
    with netmap.nm_open("vale0:a/rt", **SMALL) as port, netmap.nm_open("vale0:b/z", **SMALL) as other:
        port.wait(0.002)
        other.rxsync()

def persistent():
    for call, name in ((vale.create, "p"), (vale.attach, "vale0:p")):
        with contextlib.suppress(DeviceError):
            call(name)
    with netmap.nm_open("vale0:p") as port:
        netmap.nm_inject_many(port, [FRAME] * 20)
    for call, name in ((vale.detach, "vale0:p"), (vale.destroy, "p")):
        with contextlib.suppress(DeviceError):
            call(name)

def region():
    with netmap.nm_open("vale0:c", extra_bufs=50, **SMALL) as a:
        with netmap.nm_open("vale0:d", mem_id=a.mem_id, **SMALL) as b:
            a.tx_rings[0].slots[0].swap(b.tx_rings[0].slots[0])

DEEDS = [opening, sending, pipe, monitor, persistent, region]
while byte := sys.stdin.buffer.read(1):
    pid = os.fork()
    if not pid:
        while True:
            DEEDS[byte[0] % len(DEEDS)]()
    sys.stdout.buffer.write(struct.pack("<I", pid))
    sys.stdout.flush()
    if not os.WIFSIGNALED(os.waitpid(pid, 0)[1]):
        sys.exit(f"a child failed: {DEEDS[byte[0] % len(DEEDS)].__name__}")
    sys.stdout.buffer.write(b".")
    sys.stdout.flush()
"""


# ---- forked, passed on -----------------------------------------------------------------


def in_child(action: Callable[[], object]) -> int:
    """Forks a process that does something with what it has inherited; its exit status."""
    pid = os.fork()
    if not pid:
        try:
            action()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_fork_shares_the_binding() -> None:
    with netmap.nm_open("vale1:a", **SMALL) as a, netmap.nm_open("vale1:b", **SMALL) as b:

        def send(*numbers: int) -> None:
            netmap.nm_inject_many(a, map(broadcast, numbers))

        assert in_child(lambda: send(0, 1)) == 0
        send(2)
        assert drain(b) == [broadcast(0), broadcast(1), broadcast(2)]

        def send_and_die() -> None:
            send(3)
            os.kill(os.getpid(), signal.SIGKILL)

        assert in_child(send_and_die) == -signal.SIGKILL
        send(4)
        assert drain(b) == [broadcast(3), broadcast(4)]
        assert len(vale.list_ports("vale1")) == 2


def test_a_binding_lives_as_long_as_one_of_those_who_share_it() -> None:
    with netmap.nm_open("vale1:b", **SMALL) as b:
        a = netmap.nm_open("vale1:a", **SMALL)
        (read_go, go), (read_done, done) = os.pipe(), os.pipe()
        pid = os.fork()
        if not pid:
            os.close(go)
            os.read(read_go, 1)
            sent = netmap.nm_inject_many(a, [broadcast(9)])
            os.write(done, b"." if sent else b"?")
            os.read(read_go, 1)
            os._exit(0)
        a.close()
        assert vale.find("vale1:a"), "the child has it still"
        os.write(go, b".")
        assert os.read(read_done, 1) == b"."
        assert drain(b) == [broadcast(9)]
        os.close(go)
        os.waitpid(pid, 0)
        assert vale.find("vale1:a") is None
        for fd in (read_go, read_done, done):
            os.close(fd)


def test_a_child_that_closes_leaves_its_parent_s_port_alone() -> None:
    with netmap.nm_open("vale1:a", **SMALL) as a, netmap.nm_open("vale1:b", **SMALL) as b:
        assert in_child(a.close) == 0
        netmap.nm_inject_many(a, [broadcast(1)])
        assert drain(b) == [broadcast(1)]


def test_a_descriptor_passed_to_another_process_tells_it_of_packets(process, tmp_path: Path) -> None:
    with netmap.nm_open("vale1:a", **SMALL) as a, netmap.nm_open("vale1:b", **SMALL) as b:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "pass"))
        listener.listen()
        code = (
            "import select, socket, threading\n"
            "s = socket.socket(socket.AF_UNIX); s.connect('pass')\n"
            "def report():\n"
            "    fds = socket.recv_fds(s, 1, 1)[1]\n"
            "    select.select(fds, [], [])\n"
            "    s.send(b'.')\n"
            "threading.Thread(target=report, daemon=True).start()"
        )
        other = process(code)
        connection = listener.accept()[0]
        fds = array.array("i", [b.fileno()])
        connection.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        time.sleep(0.1)
        netmap.nm_inject_many(a, [broadcast(1)])
        assert connection.recv(1) == b"."
        assert drain(b) == [broadcast(1)]
        other.kill()
        connection.close()
        listener.close()


def test_a_descriptor_passed_on_keeps_no_dead_owner_s_port(process, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "pass"))
        listener.listen()
        code = (
            "import socket\n"
            "port = netmap.nm_open('vale1:b', tx_slots=16, rx_slots=16)\n"
            "s = socket.socket(socket.AF_UNIX); s.connect('pass')\n"
            "socket.send_fds(s, [b'.'], [port.fileno()])"
        )
        owner = process(code)
        with listener.accept()[0] as connection:
            [passed] = socket.recv_fds(connection, 1, 1)[1]
    assert vale.find("vale1:b")
    owner.kill()
    assert vale.find("vale1:b") is None
    assert select.select([passed], [], [], 0) == ([], [], [])
    os.close(passed)


def test_a_mapping_keeps_the_port_until_it_goes_itself() -> None:
    with netmap.nm_open("vale1:a", **SMALL) as desc:
        memory = desc.mem
        assert memory
        window = memoryview(memory)[:64]
    assert bytes(window) != b""
    assert vale.find("vale1:a"), "a view of its memory is alive"
    window.release()
    gc.collect()
    assert vale.find("vale1:a") is None


# ---- runtime directories that cannot be used --------------------------------------------


OPENING = "vale1:a: cannot open the port (user netmap): runtime directory "


def refusal(action: Callable[[], object]) -> DeviceError:
    with pytest.raises(PcapError) as info:
        action()
    assert isinstance(info.value, DeviceError)
    return info.value


def opening() -> None:
    netmap.nm_open("vale1:a", **SMALL).close()


def test_a_directory_that_may_not_be_entered(runtime_dir: Path, run_python) -> None:
    closed = runtime_dir / "closed"
    closed.mkdir(0)
    code = (
        "import os\nfrom nmpcap import PcapError, netmap\n"
        "if os.geteuid() == 0:\n    os.setresuid(65534, 65534, 65534)\n"
        "try:\n    netmap.nm_open('vale1:a')\nexcept PcapError as error:\n    print(error.errno, error)\n"
    )
    said = run_python("-c", code, env={"NMPCAP_RUNTIME_DIR": str(closed)}).stdout
    closed.rmdir()
    assert said.startswith(f"{EACCES} {OPENING}{closed}: cannot ")
    assert "Permission denied" in said


def test_a_directory_that_cannot_be_made(monkeypatch, runtime_dir: Path) -> None:
    monkeypatch.setenv("NMPCAP_RUNTIME_DIR", str(runtime_dir / "no" / "such"))
    error = refusal(opening)
    assert str(error).startswith(f"{OPENING}{runtime_dir}/no/such: cannot make it: No such file")


def test_a_file_in_the_place_of_the_directory(monkeypatch, runtime_dir: Path) -> None:
    file = runtime_dir / "file"
    file.touch()
    monkeypatch.setenv("NMPCAP_RUNTIME_DIR", str(file))
    error = refusal(opening)
    file.unlink()
    assert error.errno == ENOTDIR
    assert str(error).startswith(f"{OPENING}{file}: ")


def test_a_path_that_is_too_long(monkeypatch) -> None:
    monkeypatch.setenv("NMPCAP_RUNTIME_DIR", "/dev/shm/" + "x" * 300)
    assert "longer than 255 characters" in str(refusal(opening))


MAGIC = (0x4E4D5543).to_bytes(4, sys.byteorder)  # NMU_MAGIC


def test_a_registry_of_another_version_in_use(runtime_dir: Path) -> None:
    (runtime_dir / "nmpcap-registry").write_bytes(MAGIC + bytes(4092))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as living:
        living.bind(str(runtime_dir / "nmpcap-port-1-1"))
        error = refusal(opening)
    assert error.errno == EPROTO
    assert "another version of nmpcap" in str(error)
    assert "NMPCAP_RUNTIME_DIR" in str(error)
    opening()  # nobody uses it any more: it makes room


needs_mounts = pytest.mark.skipif(
    os.geteuid() != 0
    or subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode != 0,
    reason="cannot mount; to run it: be root, with CAP_SYS_ADMIN",
)


def in_mounts(run_python, setup: str, code: str, **env: str) -> str:
    """Runs code in a mount namespace of its own, once a shell has prepared it."""
    program = (
        "import os, subprocess, sys\n"
        "subprocess.run(['sh', '-ec', os.environ.pop('SETUP')], check=True)\n"
        "from nmpcap import PcapError, netmap, vale\n"
        f"try:\n    {code}\nexcept PcapError as error:\n    print(error.errno, error)\n"
        "else:\n    print('no error')\n"
        "print(sorted(os.listdir(os.environ.get('NMPCAP_RUNTIME_DIR', '/dev/shm'))))\n"
    )
    done = subprocess.run(
        ["unshare", "-m", sys.executable, "-c", program],
        env={**{k: v for k, v in os.environ.items() if k != "PYTHONPATH"}, **env, "SETUP": setup},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_mounts
@pytest.mark.parametrize("size", ["256k", "2m"])
def test_no_room(run_python, runtime_dir: Path, size: str) -> None:
    said = in_mounts(
        run_python,
        f"mount -t tmpfs -o size={size} tmpfs {runtime_dir}",
        "netmap.nm_open('vale1:a')",
        NMPCAP_RUNTIME_DIR=str(runtime_dir),
    )
    assert said.startswith(f"{ENOMEM} {OPENING}{runtime_dir}: no room for ")
    assert "No space left on device" in said
    assert said.endswith("\n[]\n"), "nothing half made is left"


@needs_mounts
@pytest.mark.parametrize("what", ["bytes(a.mem)", "bytes(a.buffer(last))"])
def test_memory_that_cannot_be_had_is_refused(runtime_dir: Path, run_python, what: str) -> None:
    """The region has holes, and the file system no room to fill them with: reading one would be SIGBUS."""
    code = (
        "a = netmap.nm_open('vale1:a', tx_slots=64, rx_slots=64); last = a._num_bufs - 1\n"
        "    rest = open(os.environ['NMPCAP_RUNTIME_DIR'] + '/rest', 'wb', 0)\n"
        "    try:\n        while rest.write(bytes(4096)): pass\n    except OSError: pass\n"
        f"    try:\n        {what}\n    finally:\n        os.unlink(rest.name); a.close()"
    )
    said = in_mounts(
        run_python,
        f"mount -t tmpfs -o size=4m tmpfs {runtime_dir}",
        code,
        NMPCAP_RUNTIME_DIR=str(runtime_dir),
    )
    assert said.startswith(f"{ENOMEM} vale1:a: no room for "), said
    assert said.endswith("\n[]\n")


@needs_mounts
def test_memory_is_there_once_a_port_is_open(runtime_dir: Path, run_python) -> None:
    """A file system that fills up later is no SIGBUS in the middle of a packet."""
    code = (
        "a, b = (netmap.nm_open(n, tx_slots=64, rx_slots=64) for n in ('vale1:a', 'vale1:b'))\n"
        "    rest = open(os.environ['NMPCAP_RUNTIME_DIR'] + '/rest', 'wb', 0)\n"
        "    try:\n        while rest.write(bytes(4096)): pass\n    except OSError: pass\n"
        "    for slot in a.tx_rings[0].owned(): slot.buf[:] = b'\\xff' * 2048\n"
        "    sent = netmap.nm_inject_many(a, [b'\\xff' * 2048] * 63)\n"
        "    b.rxsync(); print(sent, b.rx_rings[0].space); a.close(); b.close(); os.unlink(rest.name)"
    )
    said = in_mounts(
        run_python,
        f"mount -t tmpfs -o size=4m tmpfs {runtime_dir}",
        code,
        NMPCAP_RUNTIME_DIR=str(runtime_dir),
    )
    assert said == "63 63\nno error\n[]\n"


@needs_mounts
@pytest.mark.parametrize(
    ("make", "errnumber", "words"),
    [
        ("ln -s /tmp /dev/shm/nmpcap-0", ELOOP, "cannot open it"),
        ("mkdir -m 700 /dev/shm/nmpcap-0; chown 12345 /dev/shm/nmpcap-0", EPERM, "must belong to you alone"),
        ("mkdir -m 777 /dev/shm/nmpcap-0", EPERM, "must belong to you alone"),
        ("touch /dev/shm/nmpcap-0", EEXIST, "runtime directory /dev/shm/nmpcap-0"),
    ],
)
def test_somebody_else_s_default_directory(run_python, monkeypatch, make, errnumber, words) -> None:
    monkeypatch.delenv("NMPCAP_RUNTIME_DIR")
    said = in_mounts(run_python, f"mount -t tmpfs tmpfs /dev/shm; {make}", "netmap.nm_open('vale1:a')")
    assert f" {OPENING}/dev/shm/nmpcap-0: " in said
    assert words in said
    assert said.partition(" ")[0] in (str(errnumber), str(ENOTDIR))


@needs_mounts
def test_the_default_directory_comes_and_goes(run_python, monkeypatch) -> None:
    monkeypatch.delenv("NMPCAP_RUNTIME_DIR")
    code = "p = netmap.nm_open('vale1:a'); print(os.stat('/dev/shm/nmpcap-0').st_mode & 0o777); p.close()"
    assert in_mounts(run_python, "mount -t tmpfs tmpfs /dev/shm", code) == f"{0o700}\nno error\n[]\n"


def test_a_second_thread_is_told_so(process) -> None:
    with netmap.nm_open("vale1:a", **SMALL) as port:
        errors: list[BaseException] = []

        def wait() -> None:
            try:
                port.wait(10)
            except BaseException as error:
                errors.append(error)

        import threading

        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.1)
        with pytest.raises(UsageError, match="vale1:a: wait while another thread uses the port"):
            port.wait(0)
        port.wake()
        thread.join(5)
        assert not thread.is_alive()
        assert errors == []
