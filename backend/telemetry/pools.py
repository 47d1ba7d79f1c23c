"""Pools of database connections as metrics: read when they are asked for, so no gauge can drift from the truth."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool: how many connections it may open, and what counts those in use and those that wait."""

    most: int
    used: Callable[[], int]
    idle: Callable[[], int]


class PoolCollector(Collector):
    """The pools of this process by name."""

    def __init__(self) -> None:
        self._pools: dict[str, Pool] = {}

    def watch(self, name: str, pool: Pool) -> None:
        """Show `pool` under `name` from now on."""
        self._pools[name] = pool

    def collect(self) -> Iterator[Metric]:
        """Yield the state of every pool as it is now."""
        labels = ["db_client_connection_state", "pool"]
        count = GaugeMetricFamily("db_client_connection_count", "Connections by state.", labels=labels)
        most = GaugeMetricFamily("db_client_connection_max", "Connections that a pool may open.", labels=["pool"])
        for name, pool in self._pools.items():
            count.add_metric(["used", name], pool.used())
            count.add_metric(["idle", name], pool.idle())
            most.add_metric([name], pool.most)
        yield from (count, most)
