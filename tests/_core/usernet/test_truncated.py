"""Files of a runtime directory that somebody cuts short under programs that have them mapped: no SIGBUS."""

from __future__ import annotations

from pathlib import Path

import pytest

# An honest program. Each call may fail as nmpcap's calls fail; the process must get to its end.
PROGRAM = """
import os, sys
from nmpcap import PcapError, netmap, vale

kind, size = sys.argv[1], float(sys.argv[2])
small = {"tx_slots": 16, "rx_slots": 16}
said = []

def attempt(call):
    try:
        return call()
    except PcapError as error:
        said.append(str(error))

a = netmap.nm_open("vale1:a", **small)
b = netmap.nm_open("vale1:b", **small)
pipe = netmap.nm_open("netmap:x{1", **small), netmap.nm_open("netmap:x}1", **small)
monitor = netmap.nm_open("vale1:a/rt", **small)
frame = b"\\xff" * 60
for port in (a, b, *pipe):
    port.inject(frame)
    port.txsync()
for name in os.listdir(os.environ["NMPCAP_RUNTIME_DIR"]):
    if name.startswith("nmpcap-" + kind):
        path = os.path.join(os.environ["NMPCAP_RUNTIME_DIR"], name)
        os.truncate(path, int(os.stat(path).st_size * size))
for again in range(2):
    for port in (a, b, *pipe, monitor):
        attempt(lambda: port.inject(frame))
        attempt(port.txsync)
        attempt(port.rxsync)
        attempt(lambda: port.wait(0))
        attempt(lambda: [bytes(slot.data) for ring in port.rx_rings for slot in ring.owned()])
        attempt(lambda: bytes(port.mem))
    attempt(vale.list_ports)
    attempt(lambda: vale.counters("vale1:a"))
    attempt(lambda: netmap.nm_open("vale1:new", **small).close())
    attempt(lambda: netmap.nm_open("vale1:a", **small).close())
for port in (a, b, *pipe, monitor):
    attempt(port.close)
print("\\n".join(said))
"""


@pytest.mark.parametrize("size", [0.0, 0.1, 0.5, 0.999])
@pytest.mark.parametrize("kind", ["region", "registry"])
def test_a_file_cut_short_is_an_error(kind: str, size: float, runtime_dir: Path, run_python) -> None:
    env = {"NMPCAP_RUNTIME_DIR": str(runtime_dir), "NMPCAP_NETMAP": "user"}
    said = run_python("-c", PROGRAM, kind, str(size), env=env).stdout
    assert "cut short" in said or "cut its registry short" in said
    for file in runtime_dir.iterdir():
        file.unlink()


OTHERS = """
import ctypes, mmap, os, signal, sys
from nmpcap import netmap

{before}
netmap.nm_open("vale1:a", tx_slots=16, rx_slots=16)
with open("other", "w+b") as file:
    file.truncate(4096)
    memory = mmap.mmap(file.fileno(), 4096)
    file.truncate(0)
ctypes.string_at(ctypes.addressof(ctypes.c_char.from_buffer(memory)), 1)
print("went on")
"""


@pytest.mark.parametrize(
    ("before", "status", "said"),
    [
        ("", -7, ""),
        ("import faulthandler; faulthandler.enable()", -7, "Bus error"),
    ],
)
def test_a_program_s_own_bus_errors_stay_its_own(
    before: str, status: int, said: str, runtime_dir: Path, run_python
) -> None:
    env = {"NMPCAP_RUNTIME_DIR": str(runtime_dir), "NMPCAP_NETMAP": "user"}
    done = run_python("-c", OTHERS.format(before=before), env=env, check=False)
    assert done.returncode == status
    assert said in done.stderr
    assert "went on" not in done.stdout
    for file in runtime_dir.iterdir():
        file.unlink()
