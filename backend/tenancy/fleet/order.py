"""What the operator asks of a run, who is to be visited, and how it ended: plain values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Order:
    """How to run: `target` None is the newest revision; no `only` is everybody; times in milliseconds."""

    target: str | None = None
    only: tuple[str, ...] = ()
    canaries: tuple[str, ...] = ()
    jobs: int = 4
    stop_after_failures: int = 10
    lock_timeout_ms: int = 2_000
    statement_timeout_ms: int = 60_000
    attempts: int = 5
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """One company to bring from `start` to `end`; `row_id` is its durable row (any id in a dry run)."""

    row_id: UUID
    company_id: UUID
    slug: str
    schema: str
    role: str
    start: str | None
    end: str
    is_canary: bool = False
    # The tables are at `end` already: only the indexes made outside the transaction are missing.
    indexes_only: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """What a run tells whoever watches it."""

    kind: Literal["planned", "started", "retrying", "done", "failed"]
    slug: str = ""
    seconds: float = 0
    error: str | None = None
    companies: int = 0


Watch = Callable[[Event], None]


@dataclass(slots=True)
class Summary:
    """How a run ended."""

    target: str
    done: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    not_tried: int = 0
    seconds: float = 0
    stopped: str | None = None
    run_id: UUID | None = None

    @property
    def exit_code(self) -> int:
        """0 when every company that was asked for is at the target, else 1."""
        return 1 if self.failed or self.not_tried else 0


def ignore(_event: Event) -> None:
    """Watch nothing."""
