"""Metrics by company, for a bounded number of companies: the others are one company called `_other`."""

from collections.abc import Iterable

from backend.telemetry.metrics import Metrics

LIMIT = 200
OTHER = "_other"
SLOW_SECONDS = 0.5
SERVER_ERROR = 500


class CompanyMetrics:
    """Admits the pinned companies, then the first ones seen in this process, `LIMIT` in all.

    A company is named by its schema, an opaque name that never changes; no text of a client is ever a label.
    """

    def __init__(self, metrics: Metrics, pinned: Iterable[str] = (), limit: int = LIMIT) -> None:
        self._metrics = metrics
        self._admitted = set(list(pinned)[:limit])
        self._limit = limit

    def observe(self, company: str, seconds: float, status: int, held_seconds: float) -> None:
        """Count one request of `company` (its schema), which held connections for `held_seconds`."""
        label = self._label(company)
        outcome = "error" if status >= SERVER_ERROR else "slow" if seconds > SLOW_SECONDS else "ok"
        self._metrics.company_seconds.labels(label).observe(seconds)
        self._metrics.company_requests.labels(label, outcome).inc()
        self._metrics.company_held.labels(label).inc(held_seconds)

    def _label(self, company: str) -> str:
        if company in self._admitted:
            return company
        if len(self._admitted) >= self._limit:
            return OTHER
        self._admitted.add(company)
        return company
