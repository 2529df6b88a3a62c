"""How late packets left, against the times they were to leave at."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Lateness"]


@dataclass(frozen=True)
class Lateness:
    """How late packets left: ``below[i]`` of them by less than 2**i ns, and not less than 2**(i - 1)."""

    below: tuple[int, ...]
    latest_ns: int

    def quantile_ns(self, share: float) -> int:
        """Return a time that at least this share of the packets was no later than; a power of 2."""
        total, seen = sum(self.below), 0
        for power, count in enumerate(self.below):
            seen += count
            if seen >= share * total:
                return min(1 << power, self.latest_ns) if power else 0
        return self.latest_ns
