"""Periods of the local clock, against Python's own zones."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from nmpcap import UsageError
from nmpcap.savefile.periods import period_at

ZONES = {
    "Europe/Berlin": 2025,
    "America/New_York": 2025,
    "Australia/Lord_Howe": 2025,  # half an hour
    "America/Sao_Paulo": 2018,  # at midnight, which then is not there
    "Asia/Kathmandu": 2025,
    "UTC": 2025,
}


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ZoneInfo]:
    try:
        zone = ZoneInfo(request.param)
    except KeyError:
        pytest.skip("no time zones; to run it: apt-get install tzdata")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield zone
    monkeypatch.undo()
    time.tzset()


def moments(zone: ZoneInfo, rng: random.Random) -> Iterator[float]:
    """Every half hour of a year, and some in between."""
    begin = datetime(ZONES[str(zone)], 1, 1, tzinfo=zone).timestamp()
    for half_hour in range(0, 2 * 24 * 366, 3):
        yield begin + half_hour * 1800 + rng.choice([0, 0, -1, 0.5, rng.random() * 1800])


def begins(zone: ZoneInfo, day: datetime) -> float:
    """The first moment of a day: at midnight, or when the clock has leapt over that."""
    moment = day.replace(tzinfo=zone).timestamp()
    while datetime.fromtimestamp(moment, zone).date() < day.date():
        moment += 60
    while datetime.fromtimestamp(moment - 60, zone).date() >= day.date():
        moment -= 60
    return moment


@pytest.mark.parametrize("period", ["day", 86400, "week", "month"])
def test_days_weeks_and_months_begin_at_local_midnight(
    period: int | str, zone: ZoneInfo, rng: random.Random
) -> None:
    for now in moments(zone, rng):
        start, end = period_at(now, period)
        local = datetime.fromtimestamp(now, zone).replace(tzinfo=None)
        first = datetime(local.year, local.month, local.day)
        last = first + timedelta(days=1)
        if period == "week":
            first -= timedelta(days=first.weekday())
            last = first + timedelta(days=7)
        elif period == "month":
            first = first.replace(day=1)
            last = (first + timedelta(days=32)).replace(day=1)
        assert (start, end) == (begins(zone, first), begins(zone, last))


@pytest.mark.parametrize("seconds", [7, 60, 900, 3600, 2 * 3600, 6 * 3600, 5 * 3600, 3 * 86400])
def test_periods_lie_behind_each_other(seconds: int, zone: ZoneInfo, rng: random.Random) -> None:
    for now in moments(zone, rng):
        start, end = period_at(now, seconds)
        assert start <= now < end
        assert period_at(start, seconds)[0] <= start
        if 86400 % seconds == 0:
            shown = datetime.fromtimestamp(start, zone)
            round_time = (shown.hour * 3600 + shown.minute * 60 + shown.second) % seconds == 0
            # Or the clock is set about then, perhaps over the round time.
            before, after = (datetime.fromtimestamp(moment, zone) for moment in (start - 1, end))
            assert round_time or before.utcoffset() != after.utcoffset()


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UsageError, match="period 'year' is not one of hour, day, week, month"):
        period_at(0, "year")
