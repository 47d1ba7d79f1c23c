"""Metrics by company, for a bounded number of companies: the others are one company called `_other`."""

from collections.abc import Iterable

from prometheus_client import Counter, Histogram

from backend.telemetry.metrics import Metrics

LIMIT = 200
OTHER = "_other"
OUTCOMES = ("ok", "slow", "error")
SLOW_SECONDS = 0.5
SERVER_ERROR = 500


class CompanyMetrics:
    """Admits the pinned companies, then the first ones seen in this process, `LIMIT` in all.

    A company is named by its schema, an opaque name that never changes; no text of a client is ever a label.
    """

    def __init__(self, metrics: Metrics, pinned: Iterable[str] = (), limit: int = LIMIT) -> None:
        self._metrics = metrics
        self._pinned = frozenset(list(pinned)[:limit])
        self._free = limit - len(self._pinned)
        self._series: dict[str, _Series] = {}

    def observe(self, company: str, seconds: float, status: int, held_seconds: float) -> None:
        """Count one request of `company` (its schema), which held connections for `held_seconds`."""
        outcome = "error" if status >= SERVER_ERROR else "slow" if seconds > SLOW_SECONDS else "ok"
        duration, requests, held = self._series.get(company) or self._admit(company)
        duration.observe(seconds)
        requests[outcome].inc()
        held.inc(held_seconds)

    def _admit(self, company: str) -> "_Series":
        label = company if company in self._pinned or self._free > 0 else OTHER
        self._free -= label not in self._pinned and label != OTHER
        if label not in self._series:
            metrics = self._metrics
            outcomes = {outcome: metrics.company_requests.labels(label, outcome) for outcome in OUTCOMES}
            self._series[label] = (metrics.company_seconds.labels(label), outcomes, metrics.company_held.labels(label))
        return self._series[label]


_Series = tuple[Histogram, dict[str, Counter], Counter]
