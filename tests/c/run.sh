#!/usr/bin/env bash
# Compiles and runs the C tests: run.sh [plain|asan|tsan] [NAME.c ...]
# Only compiles a program, as for plain: run.sh build NAME.c PROGRAM
#
#   plain  optimised, warnings are errors
#   asan   AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer
#   tsan   ThreadSanitizer, with one_mapping.c linked in
#
# A C file here is a test if it has a main. It says in its first comment which of the core's sources
# it is made of and, unless it is "plain asan", in which modes it runs:
#
#    * core: slab.c usernet        (files and folders; or "all": without python/; or "none")
#    * modes: plain asan tsan
#
# Each test gets an empty NMPCAP_RUNTIME_DIR and must leave it empty. Exit status 77 is a skip.
# CC chooses the compiler, CFLAGS adds to its options. One line a test; the status is 1 if one failed.
set -u
here=$(cd "$(dirname "$0")" && pwd)
core=$here/../../nmpcap/_core
mode=${1:-plain}
shift || true
warnings="-Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes"
case $mode in
plain | build) options="-O2" ;;
asan) options="-O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer" ;;
tsan)
    # gcc warns that fences are not modelled; clang does not know the warning.
    options="-O1 -fsanitize=thread -fno-omit-frame-pointer -Wno-unknown-warning-option -Wno-tsan"
    options="$options -Wl,--wrap=mmap,--wrap=munmap"
    ;;
*)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
    exit 2
    ;;
esac

# ThreadSanitizer of gcc 12 and older cannot live with the address layout of newer kernels.
fixed_layout=
if [ "$mode" = tsan ] && setarch "$(uname -m)" -R true 2>/dev/null; then
    fixed_layout="setarch $(uname -m) -R"
fi

shared_memory=/dev/shm
[ -w "$shared_memory" ] || shared_memory=${TMPDIR:-/tmp}
work=$(mktemp -d "${TMPDIR:-/tmp}/nmpcap-c-XXXXXX") || exit 1
runtime=$(mktemp -d "$shared_memory/nmpcap-c-XXXXXX") || exit 1
trap 'rm -rf "$work" "$runtime"' EXIT

# field FILE NAME DEFAULT: what the first comment says after "NAME:"
field() {
    local value
    value=$(sed -n "/\*\//q; s/^[ *\/]*$2: *//p" "$1")
    echo "${value:-$3}"
}

# build FILE PROGRAM: one program of the test and the sources it names
build() {
    local named source sources=()
    named=$(field "$1" core all)
    if [ "$named" = all ]; then
        mapfile -t sources < <(find "$core" -name '*.c' -not -path '*/python/*' | sort)
    elif [ "$named" != none ]; then
        for source in $named; do
            if [ -d "$core/$source" ]; then
                sources+=("$core/$source"/*.c)
            else
                sources+=("$core/$source")
            fi
        done
    fi
    [ "$mode" = tsan ] && sources+=("$here/one_mapping.c")
    # shellcheck disable=SC2086  # options are words
    ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -g $options $warnings -fno-strict-aliasing -pthread ${CFLAGS:-} \
        -I "$core" -I "$here" -o "$2" "$1" "${sources[@]}" -lm
}

if [ "$mode" = build ]; then
    build "$1" "$2"
    exit
fi

run_one() {
    local name status left
    name=$(basename "$1" .c)
    case " $(field "$1" modes "plain asan") " in
    *" $mode "*) ;;
    *) return 0 ;;
    esac
    build "$1" "$work/$name" >"$work/log" 2>&1 || {
        echo "not ok $name ($mode): does not compile"
        sed 's/^/    /' "$work/log"
        return 1
    }
    mkdir "$runtime/$name"
    NMPCAP_RUNTIME_DIR=$runtime/$name UBSAN_OPTIONS=print_stacktrace=1 \
        ASAN_OPTIONS=detect_stack_use_after_return=1 TSAN_OPTIONS=halt_on_error=1 \
        timeout 300 $fixed_layout "$work/$name" >"$work/log" 2>&1
    status=$?
    left=$(ls -A "$runtime/$name")
    if [ $status = 77 ]; then
        echo "ok $name ($mode) # skip $(tail -n 1 "$work/log")"
    elif [ $status != 0 ]; then
        echo "not ok $name ($mode): status $status"
        sed 's/^/    /' "$work/log"
        return 1
    elif [ -n "$left" ]; then
        echo "not ok $name ($mode): left in the runtime directory: $left"
        return 1
    else
        echo "ok $name ($mode)"
    fi
}

if [ $# = 0 ]; then
    mapfile -t tests < <(grep -l '^int main(' "$here"/*.c)
    set -- "${tests[@]}"
fi
failed=0
for test in "$@"; do
    run_one "$test" || failed=1
done
exit $failed
