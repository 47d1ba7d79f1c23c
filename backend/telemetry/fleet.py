"""State of the fleet's migrations as metrics and as JSON; whoever knows the database says how it is read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

MIGRATION_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
STATES = ("pending", "running", "done", "failed")
OUTCOMES = ("done", "failed")


@dataclass(frozen=True, slots=True)
class Spread:
    """Observations of one outcome: how many were at most each bound of MIGRATION_SECONDS, how many, their sum."""

    at_most: tuple[int, ...]
    count: int
    total: float


@dataclass(frozen=True, slots=True)
class FleetState:
    """The newest run, and who is late now."""

    heads: dict[str, str]
    companies: int
    late: int
    statuses: dict[str, int] = field(default_factory=dict)
    run_id: UUID | None = None
    target: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    last_success_at: datetime | None = None
    states: dict[str, int] = field(default_factory=dict)
    durations: dict[str, Spread] = field(default_factory=dict)
    lock_waits: dict[str, Spread] = field(default_factory=dict)
    failed: list[dict[str, Any]] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """Return the state as JSON values, without the figures that only metrics need."""
        return {
            "heads": self.heads,
            "companies": self.companies,
            "late": self.late,
            "last_success_at": _iso(self.last_success_at),
            "run": None
            if self.run_id is None
            else {
                "id": str(self.run_id),
                "target": self.target,
                "started_at": _iso(self.started_at),
                "finished_at": _iso(self.finished_at),
                "states": {state: self.states.get(state, 0) for state in STATES},
                "failed": self.failed,
            },
        }


ReadFleet = Callable[[], FleetState | None]


class FleetCollector(Collector):
    """The metrics of the fleet's migrations, read from the durable rows at each scrape."""

    def __init__(self, read: ReadFleet) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Yield nothing while the state cannot be read: the other metrics go out all the same."""
        found = self._read()
        if found is None:
            return
        companies = GaugeMetricFamily("filage_tenants", "Companies by state; `late`: not at this release's revision.",
                                      labels=["state"])  # fmt: skip
        for state, number in {**found.statuses, "late": found.late}.items():
            companies.add_metric([state], number)
        tenants = GaugeMetricFamily("filage_migration_tenants", "Companies of the newest run.", labels=["state"])
        for state in STATES:
            tenants.add_metric([state], found.states.get(state, 0))
        success = GaugeMetricFamily(
            "filage_migration_last_success_timestamp_seconds", "When a run last ended with nobody left behind."
        )
        if found.last_success_at is not None:
            success.add_metric([], found.last_success_at.timestamp())
        duration, wait = "filage_migration_tenant_duration_seconds", "filage_migration_lock_wait_seconds"
        yield from (
            companies,
            tenants,
            success,
            _histogram(duration, "Duration of a company's migration.", found.durations),
            _histogram(wait, "Time that a company's migration lost to locks.", found.lock_waits),
        )


def _histogram(name: str, text: str, spreads: dict[str, Spread]) -> Metric:
    family = HistogramMetricFamily(name, text, labels=["outcome"])
    for outcome, spread in spreads.items():
        bounds = [str(bound) for bound in MIGRATION_SECONDS]
        buckets = [*zip(bounds, map(float, spread.at_most), strict=True), ("+Inf", float(spread.count))]
        family.add_metric([outcome], buckets, spread.total)
    return family


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
