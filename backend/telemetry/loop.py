"""Watches the event loop of this process: what blocks it is late for everybody."""

import asyncio

from backend.telemetry.metrics import Metrics

EVERY_SECONDS = 0.5


async def watch(metrics: Metrics, every: float = EVERY_SECONDS) -> None:
    """Note, again and again, how much later than asked for the loop came back (seconds); ends when cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + every
        await asyncio.sleep(every)
        metrics.loop_lag.observe(max(0.0, loop.time() - due))
