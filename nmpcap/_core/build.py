"""Describes the compiled core to cffi: run by ``cffi-gen-src exec-python`` during the build.

The headers listed are C manual and cffi declaration in one; they hold no directives
but plain numeric ``#define`` lines.
"""

from pathlib import Path

from cffi import FFI

HEADERS = ["nmpcap.h"]

here = Path(__file__).resolve().parent
ffibuilder = FFI()
ffibuilder.cdef("\n".join((here / header).read_text() for header in HEADERS))
ffibuilder.set_source(
    "nmpcap._core._lib",
    "#include <stddef.h>\n#include <stdint.h>\n" + "".join(f'#include "{header}"\n' for header in HEADERS),
)
