"""The BPF machine: instructions, their listings, the checker and a readable interpreter.

A program reads a packet and says how many bytes of it to keep; 0 drops it. The machine
has an accumulator A, an index register X, sixteen scratch words M[0..15] (all 32 bits,
all zero at the start) and a packet it cannot change. A load past the captured bytes ends
the program with 0, and so does a division by a register that holds 0.

    insn    what an instruction is            image   the listings of tcpdump -d, -dd, -ddd
    check   which programs may run            vm      what they mean, in Python
    native  how they run: C and machine code  program a checked program as a value
    kernel  what Linux runs of them           splice  instructions in the place of others

The package knows nothing of filter expressions. Where machines disagree this one does
as libpcap's does; ``vm.LINUX`` says what the Linux kernel does instead.
"""

from nmpcap.bpf.image import image, parse_ddd
from nmpcap.bpf.insn import Instruction

__all__ = ["Instruction", "image", "parse_ddd"]
