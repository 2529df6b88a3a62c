"""Fan-out groups: several handles on one interface, each packet given to one of them."""

from __future__ import annotations

from nmpcap._arguments import number
from nmpcap.errors import UsageError

__all__ = ["Fanout"]

# PACKET_FANOUT_* and PACKET_FANOUT_FLAG_* of linux/if_packet.h; what each does: packet(7).
_MODES = {"hash": 0, "lb": 1, "cpu": 2, "rollover": 3, "rnd": 4, "qm": 5}
_FLAG_ROLLOVER, _FLAG_UNIQUEID, _FLAG_DEFRAG = 0x1000, 0x2000, 0x8000


class Fanout:
    """A fan-out group of handles on one Linux interface, in one process or many: packet(7).

    Each handle opened with the same object joins the group, and each packet goes to one of them: by its
    flow (``hash``), in turn (``lb``), by the processor it came in at (``cpu``), to the next one when
    the ring is full (``rollover``), at random (``rnd``) or by the adapter's queue (``qm``). Packets that
    one of them sends, none of them sees. All have the same interface and protocol.

    group: 0 .. 65535, for groups over several processes of one network namespace, which agree on it, mode
    and flags. None has the kernel choose one that is free when the first handle is opened; ``group`` is that
    number from then on, until the object is dropped; the kernel forgets a group with its last handle.
    defrag: IP fragments are put together first, so that those of one packet stay together.
    rollover: with another mode, what finds one ring full goes to the next.
    """

    def __init__(
        self, mode: str = "hash", group: int | None = None, *, defrag: bool = False, rollover: bool = False
    ) -> None:
        if mode not in _MODES:
            raise UsageError(f"fan-out mode {mode!r}: there are {', '.join(_MODES)}")
        if group is not None:
            group = number(group, "fan-out group", 0, 0xFFFF)
        self.mode = mode
        self.group = group
        self.defrag = defrag
        self.rollover = rollover

    def arguments(self) -> tuple[int, int, int]:
        """Return mode, flags and group as the kernel has them; without a group, a new one is asked for."""
        flags = _FLAG_DEFRAG * self.defrag | _FLAG_ROLLOVER * self.rollover
        if self.group is None:
            return _MODES[self.mode], flags | _FLAG_UNIQUEID, 0
        return _MODES[self.mode], flags, self.group

    def __repr__(self) -> str:
        options = "".join(f", {name}=True" for name in ("defrag", "rollover") if getattr(self, name))
        return f"Fanout({self.mode!r}, {self.group!r}{options})"
