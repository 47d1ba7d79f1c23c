"""Visits companies, several at once: tries again where a lock was missing, remembers failures, stops at the threshold.

One event loop with one connection per job: while the server works, this process waits; more processes would add nothing
(docs/decisions/0008-fleet-migrations.md has the figures).
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from backend.tenancy.fleet import legs
from backend.tenancy.fleet.courier import Courier
from backend.tenancy.fleet.files import FileCourier
from backend.tenancy.fleet.lock import RunLock
from backend.tenancy.fleet.order import Event, Order, Summary, Visit, Watch
from backend.tenancy.fleet.outcome import DONE, Outcome, failed
from backend.tenancy.fleet.refusals import FleetError
from backend.tenancy.session import Urls

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 4.0
DETOURS = 3  # times that a schema may turn out to be elsewhere than the plan says


class Runner:
    """One run over a list of visits."""

    def __init__(self, urls: Urls, order: Order, lock: RunLock, summary: Summary, watch: Watch) -> None:
        self._urls = urls
        self._order = order
        self._lock = lock
        self._summary = summary
        self._watch = watch

    async def run(self, visits: Sequence[Visit]) -> None:
        """Visit the canaries, then, when all of them are well, the others. Raises LostServerError."""
        canaries = [visit for visit in visits if visit.is_canary]
        others = [visit for visit in visits if not visit.is_canary]
        await self._group(canaries)
        if self._summary.failed and canaries and self._summary.stopped is None:
            self._summary.stopped = "a canary failed"
        await self._group(others)

    async def _group(self, visits: Sequence[Visit]) -> None:
        queue = deque(visits)
        jobs = 1 if self._lock.connection is None else min(self._order.jobs, len(queue))
        tasks = [asyncio.create_task(self._work(queue)) for _ in range(jobs)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._summary.not_tried += len(queue)

    async def _work(self, queue: deque[Visit]) -> None:
        kind = FileCourier if self._lock.connection is None else Courier
        async with kind(self._urls, self._order) as courier:
            while queue and self._summary.stopped is None:
                await self._visit(courier, queue.popleft())

    async def _visit(self, courier: Courier | FileCourier, visit: Visit) -> None:
        started = time.perf_counter()
        self._watch(Event("started", visit.slug))
        waited, found = await self._bring(courier, visit)
        seconds = time.perf_counter() - started
        if found.error is None:
            self._summary.done += 1
            self._watch(Event("done", visit.slug, seconds))
            return
        self._summary.failed[visit.slug] = found.error
        self._watch(Event("failed", visit.slug, seconds, found.error))
        await courier.fail(visit, found.error, waited)
        if len(self._summary.failed) >= self._order.stop_after_failures and self._summary.stopped is None:
            self._summary.stopped = f"{len(self._summary.failed)} companies failed"

    async def _bring(self, courier: Courier | FileCourier, visit: Visit) -> tuple[float, Outcome]:
        """Try until the company is there or another try is of no use; return the seconds lost to locks too."""
        waited, detours, attempt = 0.0, 0, 0
        while True:
            attempt += 1
            begun = time.perf_counter()
            visit, found = await self._try(courier, visit, waited)
            if found.found is not None and detours < DETOURS:
                # Brought along by another way (a restored backup, a runner that died after its commit).
                visit, detours = replace(visit, start=found.found), detours + 1
                continue
            if found.is_lost:
                self._lock.check()
            if not (found.is_locked or found.is_lost) or attempt >= self._order.attempts:
                return waited, failed("its schema changes under our hands") if found.found else found
            self._watch(Event("retrying", visit.slug, error=found.error))
            await asyncio.sleep(_pause(attempt))
            waited += time.perf_counter() - begun

    async def _try(self, courier: Courier | FileCourier, visit: Visit, waited: float) -> tuple[Visit, Outcome]:
        try:
            leg = legs.leg(visit.start, visit.end)
        except FleetError as error:
            return visit, failed(error.sentence.en)
        found = await courier.claim(visit)
        if found.error is None and not visit.indexes_only:
            found = await courier.carry(visit, leg, waited)
            if found == DONE and leg.indexes and not self._order.dry_run:
                visit = replace(visit, indexes_only=True)
        if found == DONE and visit.indexes_only:
            found = await courier.make_indexes(visit, leg, waited)
        return visit, found


def _pause(attempt: int) -> float:
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads the tries, hides nothing
