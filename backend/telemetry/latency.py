"""Latency of every company by the minute, in buckets that grow by the square root of two (32 of them, 1 ms to 33 s).

Prometheus holds a bounded number of companies; these roll-ups hold all (backend/tenancy/latency.py stores them).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

BUCKETS = 32
FIRST_SECONDS = 0.001
NOBODY = ""  # requests of no company: sign-up, log-in, what a person sees of all companies
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Rollup:
    """Requests of one company that fell into one bucket within one minute, and how many of them failed (5xx)."""

    minute: datetime
    company: str
    bucket: int
    requests: int
    errors: int


def bucket_of(seconds: float) -> int:
    """Return the first bucket whose bound is at least `seconds`; the last one has no bound."""
    if seconds <= FIRST_SECONDS:
        return 0
    return min(BUCKETS - 1, math.ceil(2 * math.log2(seconds / FIRST_SECONDS)))


def bound_of(bucket: int) -> float:
    """Return the upper bound of a bucket in seconds."""
    return float(FIRST_SECONDS * 2 ** (bucket / 2))


def quantile(share: float, requests: Mapping[int, int]) -> float | None:
    """Return the duration in seconds that `share` of the requests stay under, or None where there are none.

    It lies in the right bucket, placed by geometric interpolation: at most a factor of 1.42 from the exact one.
    """
    wanted = share * sum(requests.values())
    passed = 0
    for bucket in sorted(requests):
        if requests[bucket] and passed + requests[bucket] >= wanted:
            part = (wanted - passed) / requests[bucket]
            return float(bound_of(bucket - 1) * 2 ** (part / 2)) if bucket else FIRST_SECONDS * part
        passed += requests[bucket]
    return None


class Rollups:
    """What this process has seen and not yet stored."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, str, int], list[int]] = {}

    def add(self, company: str | None, seconds: float, status: int, now: float) -> None:
        """Count one request that ended at `now` (seconds since 1970)."""
        key = (int(now) // 60, company or NOBODY, bucket_of(seconds))
        counts = self._counts.setdefault(key, [0, 0])
        counts[0] += 1
        counts[1] += status >= _SERVER_ERROR

    def take(self) -> list[Rollup]:
        """Return everything and forget it; what cannot be stored comes back by `put_back`."""
        taken, self._counts = self._counts, {}
        return [
            Rollup(datetime.fromtimestamp(minute * 60, UTC), company, bucket, *counts)
            for (minute, company, bucket), counts in taken.items()
        ]

    def put_back(self, rollups: Iterable[Rollup], since: float) -> int:
        """Keep for the next time what is not older than `since`; return how many requests are given up."""
        given_up = 0
        for found in rollups:
            if found.minute.timestamp() < since:
                given_up += found.requests
                continue
            key = (int(found.minute.timestamp()) // 60, found.company, found.bucket)
            counts = self._counts.setdefault(key, [0, 0])
            counts[0] += found.requests
            counts[1] += found.errors
        return given_up
