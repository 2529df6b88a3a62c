"""Periods of the local clock: the hours, days, weeks and months that one file each is for.

Moments are seconds since the epoch. A period begins when the local clock shows its beginning, also on
days of 23 or 25 hours.
"""

from __future__ import annotations

import calendar
import time
from datetime import date

from nmpcap.errors import UsageError

__all__ = ["NAMED", "Period", "period_at"]

Period = int | str
"""So many seconds, or one of NAMED."""

NAMED = ("hour", "day", "week", "month")

_HOUR, _DAY = 3600, 86400
_FIRST_MONDAY = 4 * _DAY  # 1970-01-05


def period_at(now: float, period: Period) -> tuple[float, float]:
    """Return when the period that ``now`` lies in begins and ends.

    Periods of seconds are counted from midnight of 1970-01-01, local time: such as divide a day begin
    anew at each midnight. A week begins on Monday.
    """
    step = (
        {"hour": _HOUR, "day": _DAY, "week": 7 * _DAY}.get(period, period)
        if isinstance(period, str)
        else period
    )
    if step == "month":
        year, month = time.localtime(now)[:2]
        start, end = (_midnight(date(year + (m - 1) // 12, (m - 1) % 12 + 1, 1)) for m in (month, month + 1))
    elif isinstance(step, str):
        raise UsageError(f"period {step!r} is not one of {', '.join(NAMED)}")
    elif step <= _HOUR:
        # Shorter than what a clock is set by: an hour that comes twice is two periods.
        offset = time.localtime(now).tm_gmtoff
        begun = (now + offset) // step * step - offset
        return begun, begun + step
    else:
        first = _FIRST_MONDAY if period == "week" else 0
        start = int(_wall(now) - first) // step * step + first
        end = start + step
    return _moment(start, before=now), _moment(end, after=now)


def _midnight(day: date) -> int:
    return calendar.timegm(day.timetuple())


def _wall(moment: float) -> float:
    """What the local clock shows, as if it were UTC."""
    return moment + time.localtime(moment).tm_gmtoff


def _moment(wall: int, *, before: float | None = None, after: float | None = None) -> float:
    """When the local clock shows ``wall``, or, where it leaps over that, when it does.

    Of two such moments the later one of those up to ``before``, or the first ``after``.
    """
    offsets = {time.localtime(wall + near).tm_gmtoff for near in (-_DAY, _DAY)}
    shown = sorted(wall - offset for offset in offsets if _wall(wall - offset) == wall)
    if not shown:
        low, high = wall - max(offsets), wall - min(offsets)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if _wall(middle) >= wall else (middle, high)
        return high
    if after is not None:
        return next((moment for moment in shown if moment > after), shown[-1])
    return max((moment for moment in shown if before is None or moment <= before), default=shown[0])
