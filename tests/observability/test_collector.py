"""The collector's configuration keeps what an operator looks for, and names nothing that it does not define."""

from pathlib import Path
from typing import Any

import yaml

from backend.core.settings import Settings

ROOT = Path(__file__).parents[2]
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "observability" / "otel-collector.yaml").read_text(encoding="utf-8"))
SAMPLING = CONFIG["processors"]["tail_sampling"]


def test_failed_and_slow_requests_are_kept_and_a_tenth_of_the_rest() -> None:
    policies = {policy["type"]: policy[policy["type"]] for policy in SAMPLING["policies"]}
    assert policies == {
        "status_code": {"status_codes": ["ERROR"]},
        "latency": {"threshold_ms": 500},
        "probabilistic": {"sampling_percentage": 10},
    }


def test_a_trace_is_judged_only_after_the_longest_statement() -> None:
    wait = int(SAMPLING["decision_wait"].removesuffix("s"))
    assert wait * 1000 > Settings.model_fields["statement_timeout_ms"].default


def test_the_pipeline_names_what_is_defined_and_limits_memory_first() -> None:
    pipeline = CONFIG["service"]["pipelines"]["traces"]
    for part in ("receivers", "processors", "exporters"):
        assert set(pipeline[part]) == set(CONFIG[part])
    assert pipeline["processors"][0] == "memory_limiter"
