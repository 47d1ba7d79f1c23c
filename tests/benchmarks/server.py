"""The process that is measured: the application in one uvicorn worker, as `filage serve` runs it.

`python -m tests.benchmarks.server PORT [FOLDER]`: with a folder, SIGUSR1 begins a profile, and the next one writes it
there: 1.json, 2.json and so on.
"""

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

import uvicorn

from backend.cli.serving import APPLICATION

EVERY_SECONDS = 0.002  # of processor time


class Sampler:
    """Looks every two milliseconds of processor time which function runs.

    cProfile cannot be used: SQLAlchemy changes greenlets under it, and it then charges one function for another.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written = 0
        self._seen: Counter[tuple[str, str]] | None = None

    def switch(self, _signal: int, _frame: FrameType | None) -> None:
        """Begin a profile, or write the one that runs."""
        if self._seen is None:
            self._seen = Counter()
            signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)
            return
        signal.setitimer(signal.ITIMER_PROF, 0)
        self._written += 1
        part = self._folder / "part"
        part.write_text(json.dumps([[*where, count] for where, count in self._seen.most_common()]), encoding="utf-8")
        part.rename(self._folder / f"{self._written}.json")  # whole, once it is there
        self._seen = None

    def sample(self, _signal: int, frame: FrameType | None) -> None:
        """Count the function that was interrupted (C code counts for the function that called it)."""
        if frame is not None and self._seen is not None:
            self._seen[frame.f_code.co_filename, frame.f_code.co_qualname] += 1


def serve(port: int, sampler: Sampler | None) -> None:
    """Serve until SIGTERM."""
    if sampler is not None:
        signal.signal(signal.SIGPROF, sampler.sample)
        signal.signal(signal.SIGUSR1, sampler.switch)
    uvicorn.run(APPLICATION, factory=True, host="127.0.0.1", port=port, log_config=None, access_log=False)


if __name__ == "__main__":
    serve(int(sys.argv[1]), Sampler(Path(sys.argv[2])) if len(sys.argv) > 2 else None)
