"""Runtime directories that others may write into, or that are not ours: what an attacker would plant there.

Each test does what the attacker does. What is promised is in nmpcap/_core/usernet/README.md.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nmpcap import DeviceError, netmap, vale

SMALL = {"tx_slots": 16, "rx_slots": 16}
SECRET = bytes(range(256)) * 64


def names(folder: Path, kind: str) -> list[Path]:
    """The files of a kind ("region", "port", "registry") in a runtime directory."""
    return sorted(folder.glob(f"nmpcap-{kind}*"))


def mode(file: Path) -> int:
    return stat.S_IMODE(file.lstat().st_mode)


# ---- a region's file replaced ------------------------------------------------------------------

PLANTED: dict[str, Callable[[Path, Path], None]] = {
    "symlink": lambda place, victim: place.symlink_to(victim),
    "dangling symlink": lambda place, victim: place.symlink_to(victim.with_name("nowhere")),
    "hard link": lambda place, victim: os.link(victim, place),
    "fifo": lambda place, victim: os.mkfifo(place),
    "directory": lambda place, victim: place.mkdir(),
    "socket": lambda place, victim: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).bind(str(place)),
    "empty file": lambda place, victim: place.touch(),
    "another file": lambda place, victim: place.write_bytes(bytes(4 << 20)),
}


def clear(place: Path) -> None:
    """Remove what was planted, of whatever kind it is, if it is there."""
    if place.is_dir() and not place.is_symlink():
        place.rmdir()
    place.unlink(missing_ok=True)


@pytest.fixture
def victim(runtime_dir: Path, tmp_path: Path) -> Path:
    """A file of the user's, on the same file system, so that it can be linked to."""
    file = runtime_dir / "victim"
    file.write_bytes(SECRET)
    return file


@pytest.mark.parametrize("kind", PLANTED)
def test_closing_touches_nothing_that_took_a_regions_place(
    kind: str, runtime_dir: Path, victim: Path
) -> None:
    port = netmap.nm_open("vale1:a", **SMALL)
    [region] = names(runtime_dir, "region")
    region.unlink()
    PLANTED[kind](region, victim)
    port.close()
    assert victim.read_bytes() == SECRET
    clear(region)
    victim.unlink()


@pytest.mark.parametrize("kind", PLANTED)
def test_opening_what_took_a_regions_place_is_refused(kind: str, runtime_dir: Path, victim: Path) -> None:
    with netmap.nm_open("vale1:a", **SMALL) as port:
        [region] = names(runtime_dir, "region")
        region.rename(runtime_dir / "kept")
        PLANTED[kind](region, victim)
        with pytest.raises(DeviceError) as caught:
            netmap.nm_open("vale1:a", **SMALL)
        assert str(region.name) in str(caught.value)
        assert str(port.spec) in str(caught.value)
        assert victim.read_bytes() == SECRET
        clear(region)
        (runtime_dir / "kept").rename(region)
        with netmap.nm_open("vale1:a", **SMALL):
            pass  # what was made there serves again
    victim.unlink()


@pytest.mark.parametrize("kind", [kind for kind in PLANTED if kind != "another file"])
def test_what_stands_for_the_registry_is_refused_at_once(kind: str, runtime_dir: Path, victim: Path) -> None:
    planted = runtime_dir / "nmpcap-registry"
    PLANTED[kind](planted, victim)
    began = time.monotonic()
    with pytest.raises(DeviceError) as caught:
        netmap.nm_open("vale1:a", **SMALL)
    assert time.monotonic() - began < 5  # it does not try for ever
    assert "nmpcap-registry" in str(caught.value)
    assert "NMPCAP_RUNTIME_DIR" in str(caught.value)
    assert victim.read_bytes() == SECRET
    clear(planted)
    victim.unlink()


# ---- directories that are not ours -------------------------------------------------------------


def test_a_users_own_files_are_left_alone(runtime_dir: Path) -> None:
    """NMPCAP_RUNTIME_DIR set to a folder of the user's own by mistake."""
    theirs = [
        *("registry", "port-forwarding.md", "region-eu.csv", "port-1-1", "region-1-1", "nmpcap-port-of-call"),
        *("nmpcap-region-1-2.bak", "nmpcap-region-01-2", "nmpcap-registry.old"),
    ]
    for name in theirs:
        (runtime_dir / name).write_text(name)
    netmap.nm_open("vale1:a", **SMALL).close()
    pid = os.fork()
    if pid == 0:
        netmap.nm_open("vale1:b", **SMALL)
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
    netmap.nm_open("vale1:c", **SMALL).close()  # finds the dead, and sweeps
    for name in theirs:
        assert (runtime_dir / name).read_text() == name
        (runtime_dir / name).unlink()


def test_a_registry_that_no_nmpcap_wrote_is_refused(runtime_dir: Path) -> None:
    (runtime_dir / "nmpcap-registry").write_text("a list of things")
    with pytest.raises(DeviceError, match="no registry of nmpcap's"):
        netmap.nm_open("vale1:a", **SMALL)
    assert (runtime_dir / "nmpcap-registry").read_text() == "a list of things"
    (runtime_dir / "nmpcap-registry").unlink()


@pytest.mark.parametrize(
    ("directory", "files"), [(0o700, 0o600), (0o755, 0o600), (0o750, 0o600), (0o770, 0o660), (0o1777, 0o666)]
)
def test_who_may_only_look_at_the_directory_gets_no_packets(
    runtime_dir: Path, monkeypatch: pytest.MonkeyPatch, directory: int, files: int
) -> None:
    shared = runtime_dir / "shared"
    shared.mkdir()
    shared.chmod(directory)
    monkeypatch.setenv("NMPCAP_RUNTIME_DIR", str(shared))
    with netmap.nm_open("vale1:a", **SMALL):
        made = [*names(shared, "region"), *names(shared, "port"), *names(shared, "registry")]
        assert len(made) == 3
        assert {file.name: oct(mode(file)) for file in made} == {file.name: oct(files) for file in made}
    shared.rmdir()


# ---- two users ---------------------------------------------------------------------------------

needs_two_users = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="one user; to run it: as root, with util-linux"
)
OTHER = 65534
GONE = 16 + 12  # nmu_registry.gone: behind magic, version, size and the lock


@needs_two_users
def test_what_another_user_left_in_a_sticky_directory_is_an_error_in_time(
    runtime_dir: Path, monkeypatch: pytest.MonkeyPatch, run_python
) -> None:
    """A registry that its owner marked gone, and was killed before removing: nobody else may remove it."""
    runtime_dir.chmod(0o711)
    shared = runtime_dir / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.setenv("NMPCAP_RUNTIME_DIR", str(shared))
    with netmap.nm_open("vale1:a", **SMALL):
        [registry] = names(shared, "registry")
        kept = bytearray(registry.read_bytes())
    kept[GONE] = 1
    (shared / "nmpcap-registry").write_bytes(kept)
    (shared / "nmpcap-registry").chmod(0o666)
    code = (
        "import os, time\nfrom nmpcap import PcapError, netmap\n"
        f"os.setresgid({OTHER}, {OTHER}, {OTHER}); os.setresuid({OTHER}, {OTHER}, {OTHER})\n"
        "began = time.monotonic()\n"
        "try:\n    netmap.nm_open('vale1:b', tx_slots=16, rx_slots=16)\n"
        "except PcapError as error:\n    print(error)\n"
        "assert time.monotonic() - began < 5\n"
    )
    said = run_python("-c", code, env={"NMPCAP_RUNTIME_DIR": str(shared)}).stdout
    assert "nmpcap-registry is left of user 0's programs, and cannot be removed" in said
    for file in shared.iterdir():
        file.unlink()
    shared.rmdir()


@needs_two_users
def test_a_file_of_somebody_whom_the_directory_does_not_let_in_is_refused(runtime_dir: Path) -> None:
    with netmap.nm_open("vale1:a", **SMALL):
        [region] = names(runtime_dir, "region")
        os.chown(region, OTHER, OTHER)
        with pytest.raises(DeviceError, match=f"belongs to user {OTHER}"):
            netmap.nm_open("vale1:a", **SMALL)
        os.chown(region, 0, 0)


# ---- addresses in slots ------------------------------------------------------------------------


def send_indirect(port: netmap.NmDesc, data: bytes, *, behind: bytes = b"") -> None:
    """Have the next slot name memory of this process, behind a slot of its own where there is ``behind``."""
    ring = port.tx_rings[0]
    held = ctypes.create_string_buffer(data, len(data))
    if behind:
        first = ring.slots[ring.head]
        first.buf[: len(behind)] = behind
        first.len, first.flags = len(behind), netmap.NS_MOREFRAG
        ring.head = (ring.head + 1) % ring.num_slots
    slot = ring.slots[ring.head]
    slot.ptr, slot.len, slot.flags = ctypes.addressof(held), len(data), netmap.NS_INDIRECT
    ring.head = (ring.head + 1) % ring.num_slots
    port.txsync()
    slot.flags = 0


@pytest.mark.parametrize("backpressure", [False, True])
@pytest.mark.parametrize("behind", [b"", b"\xff" * 6 + bytes(60)])
@pytest.mark.parametrize("shared", [False, True])
def test_a_slot_names_memory_of_a_process_only_where_nobody_else_writes_slots(
    runtime_dir: Path, shared: bool, behind: bytes, backpressure: bool
) -> None:
    if shared:
        runtime_dir.chmod(0o770)
    secret = b"\xff" * 6 + b"\x02" + bytes(5) + b"\x88\xb5" + b"secret" * 10
    with (
        netmap.nm_open("vale1:a", **SMALL, backpressure=backpressure) as a,
        netmap.nm_open("vale1:b", **SMALL) as b,
        netmap.nm_open("vale1:a/t", **SMALL) as monitor,
    ):
        send_indirect(a, secret, behind=behind)
        b.rxsync()
        monitor.rxsync()
        seen = b"".join(bytes(slot.data) for slot in b.rx_rings[0].owned())
        watched = b"".join(bytes(slot.data) for slot in monitor.rx_rings[0].owned())
        counters = vale.counters("vale1:a")
    assert (b"secret" in seen, b"secret" in watched) == (not shared, not shared)
    assert (counters.sent, counters.discarded) == (1, int(shared))
    assert seen if not shared else not seen


def test_packets_of_a_switch_that_takes_none_are_counted(runtime_dir: Path) -> None:
    with netmap.nm_open("vale1:a", **SMALL) as a, netmap.nm_open("vale1:b", **SMALL) as b:
        vale.set_parameter("bridge_batch", 0)
        try:
            assert netmap.nm_inject_many(a, [b"\xff" * 60] * 3) == 3
        finally:
            vale.set_parameter("bridge_batch", 1024)
        b.rxsync()
        assert not list(b.rx_rings[0].owned())
        counters = vale.counters("vale1:a")
        assert (counters.sent, counters.discarded) == (3, 3)
