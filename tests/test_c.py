"""The C tests in c/, each as the driver there compiles and runs it; under sanitizers by .ci/run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

DRIVER = Path(__file__).parent / "c" / "run.sh"
TESTS = sorted(file for file in DRIVER.parent.glob("*.c") if "\nint main(" in file.read_text())

needs_compiler = pytest.mark.skipif(
    not shutil.which("cc"), reason="no C compiler; to run it: apt-get install gcc libc6-dev"
)


def drive(mode: str, *tests: Path) -> subprocess.CompletedProcess[str]:
    command = [str(DRIVER), mode, *map(str, tests)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


@needs_compiler
@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.stem)
def test_c_test_passes(test: Path) -> None:
    done = drive("plain", test)
    if "# skip" in done.stdout:
        pytest.skip(done.stdout.partition("# skip")[2].strip())
    assert done.returncode == 0, done.stdout + done.stderr


FAULTS = {
    "status": ("plain", "return 3;", "status 3"),
    "crash": ("plain", "abort();", "status 134"),
    "warning": ("plain", "int unused;", "does not compile"),
    "overflow": (
        "asan",
        "volatile int k = 4; char *volatile p = calloc(4, 1); return p[k];",
        "heap-buffer-overflow",
    ),
    "leak": ("asan", "void *volatile p = malloc(4); p = NULL; return p != NULL;", "LeakSanitizer"),
    "undefined": ("asan", "volatile int k = 40; return 1 << k;", "shift exponent"),
    "litter": (
        "plain",
        'return system("touch $NMPCAP_RUNTIME_DIR/region");',
        "left in the runtime directory",
    ),
    "race": (
        "tsan",
        "pthread_t t; pthread_create(&t, NULL, count, NULL); n++; pthread_join(t, NULL); return 0;",
        "data race",
    ),
}

PROGRAM = """/*
 * A fault.
 * core: none
 * modes: {mode}
 */
#include <pthread.h>
#include <stdlib.h>
static int n;
void *count(void *);
void *count(void *nothing)
{{
    n++;
    return nothing;
}}
int main(void)
{{
    {body}
}}
"""


@needs_compiler
@pytest.mark.parametrize("fault", FAULTS)
def test_the_driver_catches(fault: str, tmp_path: Path) -> None:
    mode, body, complaint = FAULTS[fault]
    source = tmp_path / f"{fault}.c"
    source.write_text(PROGRAM.format(mode=mode, body=body))
    done = drive(mode, source)
    assert done.returncode == 1
    assert complaint in done.stdout
