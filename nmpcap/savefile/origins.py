"""Where packets come from: a number for each handle and reader, which its packets carry.

Interfaces are numbered by each source for itself. A writer that gets packets of several tells them
apart by this, and asks the source what its interfaces are.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["interfaces_of", "new_origin"]

_LAST = 0xFFFFFFFE  # the one after it means any
_numbers = itertools.count(1)
_sources: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


def new_origin(source: Any) -> int:
    """Return a number for a source, whose ``_interfaces_from(n)`` gives its interfaces from number n on."""
    number = (next(_numbers) - 1) % _LAST + 1
    _sources[number] = source
    return number


def interfaces_of(origin: int) -> Callable[[int], Sequence[Any]] | None:
    """Return what gives the interfaces of a source; None once it is gone, or for packets made by hand."""
    source = _sources.get(origin)
    return None if source is None else source._interfaces_from
