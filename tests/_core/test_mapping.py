"""The mapping object: a buffer whose memory is given back once, and never under a view."""

from __future__ import annotations

import gc
import importlib
import mmap
import sys
import threading

import pytest

from nmpcap._core import _mapping, ffi, lib
from nmpcap._core._mapping import Mapping
from nmpcap.netmap.device import make_mapping


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "memory"
    path.write_bytes(bytes(range(256)) * 16)
    return path


def map_file(file) -> Mapping:
    m = ffi.new("struct nm_mapping **")
    assert lib.nm_mapping_file(bytes(file), m) == 0
    return make_mapping(m[0])


@pytest.fixture
def mapping(file) -> Mapping:
    return map_file(file)


def is_mapped(file) -> bool:
    with open("/proc/self/maps") as maps:
        return any(str(file) in line for line in maps)


def test_items_and_slices(mapping: Mapping, file) -> None:
    assert len(mapping) == 4096
    assert mapping[1] == 1
    assert mapping[-1] == 255
    assert bytes(mapping[2:5]) == b"\2\3\4"
    mapping[0] = 9
    mapping[10:12] = b"ab"
    assert file.read_bytes()[:12] == b"\x09\1\2\3\4\5\6\7\x08\x09ab"
    with pytest.raises(IndexError):
        mapping[4096]
    with pytest.raises(TypeError):
        del mapping[0]
    with pytest.raises(TypeError):
        mapping["a"]
    with pytest.raises(ValueError, match="invalid value"):
        mapping[0] = 256


def test_exports_a_writable_buffer(mapping: Mapping) -> None:
    with memoryview(mapping) as view:
        assert not view.readonly
        assert (view.format, view.itemsize, view.nbytes) == ("B", 1, 4096)
        with view.cast("I") as words:
            words[0] = 0xFFFFFFFF
    assert bytes(mapping[:5]) == b"\xff\xff\xff\xff\4"


def test_close_unmaps(mapping: Mapping, file) -> None:
    assert is_mapped(file)
    assert not mapping.closed
    mapping.close()
    mapping.close()
    assert mapping.closed
    assert not is_mapped(file)
    assert "closed" in repr(mapping)
    for use in (lambda: mapping[0], lambda: memoryview(mapping), lambda: len(mapping), mapping.__enter__):
        with pytest.raises(ValueError, match="closed"):
            use()
    with pytest.raises(ValueError, match="closed"):
        mapping[0] = 1


def test_close_waits_for_views(mapping: Mapping, file) -> None:
    view = memoryview(mapping)
    part = mapping[5:9]
    for last in (view, part):
        with pytest.raises(BufferError, match="views"):
            mapping.close()
        last.release()
    mapping.release()
    assert not is_mapped(file)


def test_a_view_keeps_the_memory(file) -> None:
    part = map_file(file)[5:9]
    gc.collect()
    assert is_mapped(file)
    assert bytes(part) == b"\5\6\7\x08"
    part.release()
    gc.collect()
    assert not is_mapped(file)


def test_with_closes(mapping: Mapping, file) -> None:
    with mapping as same:
        assert same is mapping
    assert not is_mapped(file)


def test_a_file_that_cannot_be_mapped(tmp_path) -> None:
    m = ffi.new("struct nm_mapping **")
    (tmp_path / "empty").touch()
    assert lib.nm_mapping_file(bytes(tmp_path / "none"), m) == 2
    assert lib.nm_mapping_file(bytes(tmp_path / "empty"), m) == 22
    assert m[0] == ffi.NULL


def test_as_the_standard_librarys_mmap_does() -> None:
    """Closing under a view is refused by mmap, too: the same error, for the same reason."""
    theirs = mmap.mmap(-1, 4096)
    view = memoryview(theirs)
    with pytest.raises(BufferError):
        theirs.close()
    view.release()
    theirs.close()


def test_views_and_close_from_many_threads(file) -> None:
    """A view is had of an open mapping only, and whoever closes it meets no view."""
    mappings = [map_file(file) for _ in range(200)]
    seen: list[int] = []
    unexpected: list[BaseException] = []

    def view() -> None:
        for mapping in mappings:
            try:
                while True:
                    with memoryview(mapping) as memory:
                        seen.append(memory[1])
            except ValueError as error:
                if "closed mapping" not in str(error):
                    unexpected.append(error)

    def close() -> None:
        for mapping in mappings:
            while not mapping.closed:
                try:
                    mapping.close()
                except BufferError:
                    continue

    threads = [threading.Thread(target=work) for work in (view, view, close)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert unexpected == []
    assert set(seen) <= {1}
    assert not is_mapped(file)


@pytest.mark.skipif(
    sys.version_info < (3, 13), reason="no interpreters with a lock of their own; to run it: Python 3.13"
)
def test_an_interpreter_with_a_lock_of_its_own_loads_it() -> None:
    interpreters = importlib.import_module("_interpreters")
    program = (
        "import importlib.util as u\n"
        f"spec = u.spec_from_file_location('nmpcap._core._mapping', {_mapping.__file__!r})\n"
        "module = u.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "module.Mapping"
    )
    interpreter = interpreters.create("isolated")
    try:
        assert interpreters.exec(interpreter, program) is None
    finally:
        interpreters.destroy(interpreter)
