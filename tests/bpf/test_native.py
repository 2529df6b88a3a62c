from __future__ import annotations

import ctypes
import gc
import mmap
import platform
import random
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nmpcap._core import ffi, lib
from nmpcap.bpf import Instruction, vm
from nmpcap.bpf.native import AUTO, INTERPRETER, JIT, Native
from nmpcap.errors import PcapError, ProgramError

from .assembler import assemble
from .programs import make_packet

PORT_53 = assemble("ldh [36]\njeq #53, y, n\ny: ret #100\nn: ret #0")
RunPython = Callable[..., object]


def has_translation() -> bool:
    return Native(PORT_53).machine.startswith("jit-")


needs_jit = pytest.mark.skipif(
    not has_translation(),
    reason="no machine code here; to run it: use x86-64 or AArch64, no NMPCAP_JIT=0, no SELinux execmem rule",
)


def test_the_machine_can_be_chosen() -> None:
    assert Native(PORT_53, INTERPRETER).machine == "interpreter"
    assert Native(PORT_53, AUTO).machine in ("jit-x86_64", "jit-aarch64", "interpreter")
    with pytest.raises(PcapError, match="machines 0"):
        Native(PORT_53, 3)


@needs_jit
def test_machine_code_by_default() -> None:
    native = Native(PORT_53)
    assert native.code
    assert Native(PORT_53, JIT).machine == native.machine
    assert Native(PORT_53, INTERPRETER).code == b""


def test_switched_off_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NMPCAP_JIT", "0")
    assert Native(PORT_53).machine == "interpreter"
    monkeypatch.setenv("NMPCAP_JIT", "1")
    assert Native(PORT_53, INTERPRETER).machine == "interpreter"


def code_address(native: Native) -> int:
    return int(ffi.cast("uintptr_t", lib.nm_program_code(native.pointer, ffi.new("size_t *"))))


def mode_of(address: int) -> str:
    """How the page at an address may be used, such as "r-xp"."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, mode, *_ = line.split()
        low, high = (int(part, 16) for part in span.split("-"))
        if low <= address < high:
            return mode
    raise LookupError(f"nothing is mapped at {address:#x}")


@needs_jit
def test_code_is_never_writable_and_executable() -> None:
    assert mode_of(code_address(Native(PORT_53))) == "r-xp"


@needs_jit
@pytest.mark.skipif(
    platform.machine() != "x86_64", reason="elsewhere constants are in instructions; to run it: x86-64"
)
def test_constants_are_on_a_page_that_is_neither_writable_nor_executable() -> None:
    native = Native(assemble("ld [0]\nadd #0x12345678\nret"))
    page = code_address(native) + mmap.PAGESIZE
    assert bytes(ffi.buffer(ffi.cast("uint8_t *", page), 4)) == 0x12345678.to_bytes(4, "little")
    assert mode_of(page) == "r--p"


K = 0x5A7B3C1D  # below 2 GiB: further on, loads only reject

WITH_A_CONSTANT = [
    *(
        f"ld [0]\n{operation} #{K}\nret"
        for operation in ("add", "sub", "mul", "div", "mod", "or", "and", "xor")
    ),
    *(f"ld [0]\n{jump} #{K}, y, n\ny: ret #1\nn: ret #2" for jump in ("jeq", "jgt", "jge", "jset")),
    *(f"{load} [{K}]\nret" for load in ("ld", "ldh", "ldb")),
    *(f"ldx #1\n{load} [x + {K}]\nret" for load in ("ld", "ldh", "ldb")),
    f"ldxb 4*([{K}]&0xf)\ntxa\nret",
    f"ld #{K}\nret",
    f"ldx #{K}\ntxa\nret",
    f"ret #{K}",
]


@needs_jit
@pytest.mark.parametrize("text", WITH_A_CONSTANT, ids=lambda text: text.replace("\n", "; "))
def test_code_does_not_hold_the_constants_of_a_program(text: str) -> None:
    """An author of filters must not place instructions of their own where the processor could jump."""
    code = Native(assemble(text)).code
    for verbatim in (K, *(K + size for size in (1, 2, 4))):  # the last: how much of a packet a load needs
        for order in ("little", "big"):
            assert verbatim.to_bytes(4, order) not in code
            assert verbatim.to_bytes(4, order)[1:3] not in code


def search(keys: list[int]) -> list[Instruction]:
    """Whether the first word of a packet is among the keys."""
    rows = [Instruction(0x15, len(keys) - i, 0, key) for i, key in enumerate(keys)]
    return [Instruction(0x20, 0, 0, 0), *rows, Instruction(0x06, 0, 0, 0), Instruction(0x06, 0, 0, 7)]


@needs_jit
@pytest.mark.skipif(platform.machine() != "x86_64", reason="elsewhere there is no need; to run it: x86-64")
def test_keys_of_searches_are_blinded_anew_for_each_program(rng: random.Random) -> None:
    keys = [rng.getrandbits(32) | 0x01010101 for _ in range(100)]
    one, other = Native(search(keys)), Native(search(keys))
    assert len(one.code) == len(other.code)
    for native in (one, other):
        assert [key for key in keys if key.to_bytes(4, "little") in native.code] == []
        assert all(native.match(key.to_bytes(4, "big")) == 7 for key in keys)
        assert not any(
            native.match(((key + 1) & 0xFFFFFFFF).to_bytes(4, "big")) for key in keys if key + 1 not in keys
        )
    same = sum(a == b for a, b in zip(one.code, other.code, strict=True))
    assert same < 0.8 * len(one.code)


@needs_jit
@pytest.mark.skipif(sys.platform != "linux", reason="no prctl; to run it: use Linux 6.3 or later")
def test_where_executable_memory_is_forbidden_the_interpreter_runs(run_python: RunPython) -> None:
    """PR_SET_MDWE, Linux's own write-xor-execute: no page may become executable."""
    script = textwrap.dedent("""
        import ctypes, sys
        from nmpcap.bpf import Instruction
        from nmpcap.bpf.native import JIT, Native
        from nmpcap.errors import PcapError
        if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0):
            sys.exit("not supported")
        program = [Instruction(6, 0, 0, 5)]
        native = Native(program)
        assert (native.machine, native.match(b"")) == ("interpreter", 5), native.machine
        try:
            Native(program, JIT)
        except PcapError as error:
            assert "refuses executable memory" in str(error), error
        else:
            raise AssertionError("executable memory all the same")
    """)
    done = run_python("-c", script, check=False)
    if "not supported" in done.stderr:
        pytest.skip("the kernel has no PR_SET_MDWE; to run it: use Linux 6.3 or later")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("machine", [INTERPRETER, AUTO])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda data: memoryview(data)[:], "array"])
def test_any_buffer_is_a_packet(machine: int, kind: Callable[[bytes], object] | str) -> None:
    data = bytes(36) + b"\x00\x35"
    packet = (ctypes.c_uint8 * len(data))(*data) if isinstance(kind, str) else kind(data)
    assert Native(PORT_53, machine).match(packet) == 100


def test_what_is_no_buffer() -> None:
    with pytest.raises(TypeError):
        Native(PORT_53).match("text")


def test_what_is_no_program() -> None:
    with pytest.raises(ProgramError, match="instruction 0: the last"):
        Native(assemble("ld [0]"))
    with pytest.raises(ProgramError, match="no instructions"):
        Native([])
    with pytest.raises(ProgramError, match="16, 8, 8 and 32 bits"):
        Native([Instruction(6, 0, 0, 1 << 32)])
    with pytest.raises(ProgramError, match="16, 8, 8 and 32 bits"):
        Native([Instruction(6, -1, 0, 0)])


def make_views(packets: list[bytes]) -> tuple[Any, list[Any]]:
    """Views of packets; what they point to lives as long as the second value."""
    views = ffi.new("struct nm_view[]", len(packets))
    keep = [ffi.from_buffer("uint8_t[]", packet) for packet in packets]
    for index, data in enumerate(keep):
        views[index] = {"data": data, "ts_ns": index, "caplen": len(data), "len": len(data) + 1000}
    return views, keep


@pytest.mark.parametrize("machine", [INTERPRETER, AUTO])
def test_a_batch_is_filtered_in_one_call(machine: int, rng: random.Random) -> None:
    program = assemble("ldb [3]\njgt #3, y, n\ny: ret\nn: ret #0")
    packets = [make_packet(rng) for _ in range(300)]
    views, _keep = make_views(packets)
    count = Native(program, machine).filter(views, len(packets))
    expected = [
        (index, min(verdict, len(packet)), len(packet) + 1000)
        for index, packet in enumerate(packets)
        if (verdict := vm.run(program, packet))
    ]
    kept = [(view.ts_ns, view.caplen, view.len) for view in views[0:count]]
    assert kept == expected
    assert 0 < count < len(packets)


def test_many_threads_run_one_program() -> None:
    native = Native(PORT_53)
    yes, no = bytes(36) + b"\x00\x35", bytes(38)
    wrong: list[int] = []

    def work(packet: bytes, verdict: int) -> None:
        wrong.extend(1 for _ in range(20000) if native.match(packet) != verdict)

    threads = [threading.Thread(target=work, args=args) for args in ((yes, 100), (no, 0)) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@needs_jit
def test_memory_is_given_back() -> None:
    def mappings() -> int:
        return sum("r-xp" in line for line in Path("/proc/self/maps").read_text().splitlines())

    before = mappings()
    programs = [Native(PORT_53) for _ in range(50)]
    held = mappings()
    del programs
    gc.collect()
    assert held > before
    assert mappings() <= before


def test_a_large_program_loads_and_runs() -> None:
    """A hundred thousand comparisons, as a row that jumps cannot cross in one go."""
    insns = [Instruction(0x20, 0, 0, 0)]
    for value in range(100_000):
        insns += [Instruction(0x15, 0, 1, value * 40_000), Instruction(0x06, 0, 0, value + 1)]
    insns.append(Instruction(0x06, 0, 0, 0))
    for machine in (INTERPRETER, AUTO):
        native = Native(insns, machine)
        assert native.match((99_999 * 40_000 & 0xFFFFFFFF).to_bytes(4, "big")) == 100_000
        assert native.match((40_000 * 77_777).to_bytes(4, "big")) == 77_778
        assert native.match((40_000 * 77_777 + 1).to_bytes(4, "big")) == 0
