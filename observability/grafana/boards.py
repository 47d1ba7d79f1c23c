"""The four boards of Filage, one question a panel; `python -m observability.grafana` writes them for Grafana.

Where a recording rule exists (observability/prometheus/rules/), a panel reads it: a board and an alert show the same
figure. A quotient has a guard: with too little traffic there is no line, rather than a wild one.
"""

from observability.grafana.panels import Board, Choice, Panel, Query, Row

H = "http_server_request_duration_seconds"
T = "filage_tenant_request_duration_seconds"
STATEMENTS = "db_client_operation_duration_seconds"
WAIT = "db_client_connection_wait_time_seconds"
MIGRATED = "filage_migration_tenant_duration_seconds"
LOCKED = "filage_migration_lock_wait_seconds"
TASKS = "filage_task_duration_seconds"
J = 'job=~"$job"'
API = f'{J},http_route=~"/(api|c|me)(/.*)?"'
ROUTE = f'{J},http_route=~"$route"'
TENANT = f'{J},tenant=~"$tenant"'
REQUESTS = f"{H}_count{{{J}}}"
FAILED = f'{H}_count{{{J},http_response_status_code=~"5.."}}'
R = "[$__rate_interval]"
BUSY = "0.05"  # requests per second below which a route's figures are of too few requests to be drawn

GREEN, ORANGE, RED = "green", "orange", "red"
CALM = ((None, GREEN),)
SHARES = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))


def rate(selector: str, by: str = "", window: str = R) -> str:
    """Return the sum of the rates of a selector, by labels where they are named."""
    return f"sum{f' by ({by}) ' if by else ''}(rate({selector}{window}))"


def quantile(share: float, buckets: str, by: str = "", window: str = R) -> str:
    """Return a quantile of a histogram's buckets, by labels where they are named."""
    return f"histogram_quantile({share}, {rate(buckets, f'{by}, le' if by else 'le', window)})"


def at_most(*steps: tuple[float, str]) -> tuple[tuple[float | None, str], ...]:
    """Return steps for a figure that is well while it is low."""
    return (*CALM, *steps)


def at_least(good: float, fair: float) -> tuple[tuple[float | None, str], ...]:
    """Return steps for a figure that is well while it is high."""
    return ((None, RED), (fair, ORANGE), (good, GREEN))


JOB = Choice("job", "Job", "label_values(filage_build_info, job)", chosen="filage-api")
PROMISES = Row(
    "Promises",
    (
        Panel(
            "Available, 1 h",
            "Which share of the requests of the last hour did not fail?",
            "percentunit",
            (Query("1 - sli:http_errors:ratio_rate1h"),),
            "stat",
            "Promised: 99.9 % over 30 days. A failure is an answer 5xx.",
            width=4,
            height=5,
            steps=at_least(0.999, 0.9856),
            runbooks=("FilageAvailabilityBurnPage", "FilageAvailabilityBurnTicket"),
        ),
        Panel(
            "Within 1 s, 1 h",
            "Which share of the requests of the last hour was answered within a second?",
            "percentunit",
            (Query("1 - sli:http_slow_1s:ratio_rate1h"),),
            "stat",
            "Promised: 99 % over 30 days.",
            width=4,
            height=5,
            steps=at_least(0.99, 0.856),
            runbooks=("FilageLatencyBurnPage", "FilageLatencyBurnTicket"),
        ),
        Panel(
            "Fast reads, 1 h",
            "Which share of the reads of the last hour was answered within 300 ms?",
            "percentunit",
            (Query("1 - sli:http_reads_slow_300ms:ratio_rate1h"),),
            "stat",
            "Promised: 95 % over 30 days; that is a p95 of 300 ms.",
            width=4,
            height=5,
            steps=at_least(0.95, 0.85),
            runbooks=("FilageReadLatencyBurnTicket",),
        ),
        Panel(
            "Budget left, 3 d",
            "How much of what may fail is left, judged by the last three days?",
            "percentunit",
            (Query("clamp_min(1 - sli:http_errors:ratio_rate3d / 0.001, 0)"),),
            "stat",
            "0 %: at this pace the month's promise is broken.",
            width=4,
            height=5,
            steps=at_least(0.5, 0.1),
        ),
        Panel(
            "Processes that answer Prometheus",
            "Do all processes answer their metrics port?",
            "short",
            (
                Query('sum by (job) (up{job=~"filage-.*"})', "{{job}} up"),
                Query('count by (job) (up{job=~"filage-.*"})', "{{job}} in all"),
            ),
            "stat",
            width=8,
            height=5,
            runbooks=("FilageTargetDown", "FilageNoTargets"),
        ),
        Panel(
            "Error budget burn",
            "How fast is the error budget used up?",
            "suffix: x",
            (
                Query("sli:http_errors:ratio_rate1h / 0.001", "1 h"),
                Query("sli:http_errors:ratio_rate6h / 0.001", "6 h"),
            ),
            note="1 x uses up the budget in exactly 30 days; 14.4 x over an hour or 6 x over six wakes somebody.",
            width=12,
            steps=at_most((6, ORANGE), (14.4, RED)),
            runbooks=("FilageAvailabilityBurnPage", "FilageAvailabilityBurnTicket"),
        ),
        Panel(
            "Latency budget burn",
            "How fast is the budget of slow requests used up?",
            "suffix: x",
            (
                Query("sli:http_slow_1s:ratio_rate1h / 0.01", "1 s, 1 h"),
                Query("sli:http_slow_1s:ratio_rate6h / 0.01", "1 s, 6 h"),
                Query("sli:http_reads_slow_300ms:ratio_rate6h / 0.05", "reads 300 ms, 6 h"),
            ),
            width=12,
            steps=at_most((6, ORANGE), (14.4, RED)),
            runbooks=("FilageLatencyBurnPage", "FilageLatencyBurnTicket", "FilageReadLatencyBurnTicket"),
        ),
    ),
)
LATENCY = Row(
    "Latency",
    (
        Panel(
            "Latency of the API",
            "How long do half, 95 % and 99 % of the requests take at most?",
            "s",
            tuple(Query(quantile(share, f"{H}_bucket{{{API}}}"), name) for share, name in SHARES),
            width=12,
            height=9,
            steps=at_most((0.3, ORANGE), (1.0, RED)),
        ),
        Panel(
            "p95 by route",
            "Which route is slow?",
            "s",
            (
                Query(
                    f"{quantile(0.95, f'{H}_bucket{{{ROUTE}}}', 'http_route')}"
                    f" and on (http_route) {rate(f'{H}_count{{{ROUTE}}}', 'http_route')} > {BUSY}",
                    "{{http_route}}",
                    exemplars=True,
                ),
            ),
            note=f"Routes with at least {BUSY} requests per second. A diamond is one request: it leads to its trace.",
            width=12,
            height=9,
            runbooks=("FilageRouteP95High",),
        ),
        Panel(
            "Spread of the durations",
            "Are all requests slower, or is there a second hump?",
            "s",
            (Query(f"sum by (le) (increase({H}_bucket{{{ROUTE}}}{R}))", "{{le}}"),),
            "heatmap",
            "A hump of its own is one company, or one kind of request: see the board Companies.",
            width=12,
            height=9,
            runbooks=("FilageRouteP95High",),
        ),
        Panel(
            "p95 against a week ago",
            "Which route became slower than at the same hour a week ago?",
            "suffix: x",
            (
                Query(
                    f"route:{H}:p95_5m / (route:{H}:p95_5m offset 1w > 0)"
                    f" and on (http_route) route:{H}:rate5m > {BUSY}",
                    "{{http_route}}",
                ),
            ),
            width=12,
            height=9,
            steps=at_most((1.5, ORANGE)),
            no_value="Prometheus has not watched for a week yet",
        ),
        Panel(
            "Routes",
            "Which routes miss their target, and how much are they used?",
            "s",
            (
                Query(f"sum by (http_route) (route:{H}:p95_5m) and on (http_route) route:{H}:rate5m > 0", "p95"),
                Query(
                    f"max by (http_route) (filage_slo_p95_target_seconds) and on (http_route) route:{H}:rate5m > 0",
                    "target",
                ),
                Query(
                    f"sum by (http_route) (route:{H}:p95_5m) / on (http_route)"
                    f" max by (http_route) (filage_slo_p95_target_seconds) and on (http_route) route:{H}:rate5m > 0",
                    "of target",
                    "percentunit",
                    steps=at_most((0.8, ORANGE), (1, RED)),
                ),
                Query(f"sum by (http_route) (route:{H}:rate5m > 0)", "requests/s", "reqps"),
                Query(
                    f"({rate(FAILED, 'http_route', '[5m]')} or sum by (http_route) (route:{H}:rate5m) * 0)"
                    f" / sum by (http_route) (route:{H}:rate5m > 0)",
                    "failed",
                    "percentunit",
                    steps=at_most((0.001, RED)),
                ),
            ),
            "table",
            width=24,
            height=10,
            key="http_route",
            runbooks=("FilageRouteP95High",),
        ),
    ),
)
TRAFFIC = Row(
    "Traffic",
    (
        Panel(
            "Requests by status",
            "How many requests come in, and how do they end?",
            "reqps",
            (Query(rate(REQUESTS, "http_response_status_code"), "{{http_response_status_code}}"),),
            stacked=True,
        ),
        Panel(
            "Failed requests by route",
            "Which route answers 5xx, and to which share of its requests?",
            "percentunit",
            (
                Query(
                    f"({rate(FAILED, 'http_route')} or {rate(REQUESTS, 'http_route')} * 0)"
                    f" / ({rate(REQUESTS, 'http_route')} > {BUSY})",
                    "{{http_route}}",
                ),
            ),
            runbooks=("FilageAvailabilityBurnPage",),
        ),
        Panel(
            "Refusals",
            "Who is turned away, and why?",
            "reqps",
            (
                Query(rate(f"filage_auth_failures_total{{{J}}}", "reason"), "login: {{reason}}"),
                Query(rate(f"filage_tenant_resolution_failures_total{{{J}}}", "reason"), "company: {{reason}}"),
                Query(rate(f"filage_availability_refusals_total{{{J}}}"), "booked elsewhere"),
            ),
            note="Many refused logins at once: somebody tries passwords, or a client lost its token.",
        ),
    ),
)
SATURATION = Row(
    "Saturation",
    (
        Panel(
            "Requests under way",
            "Do requests pile up in a process?",
            "short",
            (Query(f"sum by (instance) (http_server_active_requests{{{J}}})", "{{instance}}"),),
        ),
        Panel(
            "Event loop, p99",
            "Is a process blocked by work that does not wait?",
            "s",
            (Query(quantile(0.99, f"filage_event_loop_lag_seconds_bucket{{{J}}}", "instance"), "{{instance}}"),),
            steps=at_most((0.1, RED)),
            runbooks=("FilageEventLoopBlocked",),
        ),
        Panel(
            "Processor",
            "How much of one core does each process use?",
            "percentunit",
            (Query(f"sum by (instance) (rate(process_cpu_seconds_total{{{J}}}{R}))", "{{instance}}"),),
            note="100 % is one core: a process cannot use more, and then answers late.",
            steps=at_most((0.8, ORANGE)),
        ),
        Panel(
            "Memory",
            "Does a process grow?",
            "bytes",
            (Query(f"sum by (instance) (process_resident_memory_bytes{{{J}}})", "{{instance}}"),),
            width=6,
        ),
        Panel(
            "Open files",
            "Does a process run out of files and sockets?",
            "percentunit",
            (Query(f"max by (instance) (process_open_fds{{{J}}} / process_max_fds{{{J}}})", "{{instance}}"),),
            width=6,
            most=1,
            steps=at_most((0.8, RED)),
        ),
        Panel(
            "Samples of a scrape",
            "Does a process expose more series than was agreed?",
            "short",
            (Query(f"max by (instance) (scrape_samples_post_metric_relabeling{{{J}}})", "{{instance}}"),),
            width=6,
            steps=at_most((6000, RED)),
            runbooks=("FilageSeriesBudget",),
        ),
        Panel(
            "Telemetry that was lost",
            "Do spans or roll-ups get lost?",
            "cps",
            (Query(rate(f"filage_telemetry_dropped_total{{{J}}}", "signal"), "{{signal}}"),),
            width=6,
            runbooks=("FilageTelemetryDropped",),
        ),
    ),
)
SERVICE = Board(
    "filage-service-overview",
    "Service",
    "Is Filage fast and does it answer? Promises first, then where the time goes, then what runs short.",
    (PROMISES, LATENCY, TRAFFIC, SATURATION),
    (JOB, Choice("route", "Route", f"label_values({REQUESTS}, http_route)", everything=".*")),
)

RATE_OF = f"tenant:{T}:rate5m"
P95_OF = f"tenant:{T}:p95_5m"
WITHIN = f'{T}_bucket{{{J},le="0.5"}}'
SLOW_OF = f"(1 - {rate(WITHIN, 'tenant', '[5m]')} / ({rate(f'{T}_count{{{J}}}', 'tenant', '[5m]')} > 0))"
ONE_SLOW = f'{T}_bucket{{{TENANT},le="0.5"}}'
OF_ALL = quantile(0.95, f"{T}_bucket{{{J}}}")
OF_ONE = quantile(0.95, f"{T}_bucket{{{TENANT}}}", "tenant")
ROLL_UPS = """Two hundred companies have series of their own; the others are together under `_other`.

**Every** company, by the minute, for 14 days:

```
filage latency --last 1h
filage latency --company SLUG --last 7d
```

`filage company list` says whose schema `t_000042` is. More: docs/observability.md, *Latency of every company*.
"""
EVERYONE = Row(
    "Everyone, or one company?",
    (
        Panel(
            "Companies served",
            "How many companies sent requests in the last five minutes?",
            "short",
            (Query(f"count({RATE_OF} > 0) or vector(0)"),),
            "stat",
            width=6,
            height=5,
        ),
        Panel(
            "Companies over their target",
            "For how many companies are more than 5 % of the requests slower than 500 ms?",
            "short",
            (Query(f"count({SLOW_OF} > 0.05) or vector(0)"),),
            "stat",
            "One or two: look at them below. Most of them: it is everyone, see the board Service.",
            width=6,
            height=5,
            steps=at_most((1, ORANGE), (10, RED)),
        ),
        Panel(
            "Share of the three busiest",
            "Do a few companies make most of the load?",
            "percentunit",
            (Query(f"sum(topk(3, {RATE_OF})) / (sum({RATE_OF}) > 0)"),),
            "stat",
            width=6,
            height=5,
            steps=at_most((0.9, ORANGE)),
        ),
        Panel(
            "Past the 200 companies",
            "Which share of the requests is of companies past the 200?",
            "percentunit",
            (Query(f'(sum({RATE_OF}{{tenant="_other"}}) or vector(0)) / (sum({RATE_OF}) > 0)'),),
            "stat",
            "Name those that matter in FILAGE_METRICS_PINNED; the others are in `filage latency`.",
            width=6,
            height=5,
        ),
        Panel(
            "p95 of the 20 slowest companies",
            "Is it everyone, or one company?",
            "s",
            (Query(f"topk(20, {P95_OF} and on (tenant) {RATE_OF} >= 0.1)", "{{tenant}}"),),
            note="Companies with at least one request in ten seconds. One line above the others: one company.",
            width=12,
            height=9,
            steps=at_most((0.5, RED)),
        ),
        Panel(
            "Requests of the 20 busiest companies",
            "Who sends how much?",
            "reqps",
            (Query(f"topk(20, {RATE_OF})", "{{tenant}}"),),
            width=12,
            height=9,
            stacked=True,
        ),
        Panel(
            "Connections held, the 20 that hold most",
            "Does one company hold the connections that all share?",
            "short",
            (
                Query(
                    f"topk(20, {rate(f'filage_tenant_db_connection_held_seconds_total{{{J}}}', 'tenant')})",
                    "{{tenant}}",
                ),
            ),
            note="Connections held at once, on average: 1 is one connection all of the time.",
            width=12,
            height=9,
            stacked=True,
            runbooks=("FilageDbPoolSaturated",),
        ),
        Panel(
            "Companies",
            "How is each of the 50 busiest companies served?",
            "s",
            (
                Query(f"topk(50, sum by (tenant) ({RATE_OF} > 0))", "requests/s", "reqps"),
                Query(f"sum by (tenant) ({P95_OF}) and on (tenant) {RATE_OF} > 0", "p95"),
                Query(
                    SLOW_OF.removeprefix("(").removesuffix(")"),
                    "over 500 ms",
                    "percentunit",
                    steps=at_most((0.05, RED)),
                ),
            ),
            "table",
            width=12,
            height=9,
            key="tenant",
        ),
    ),
)
ONE = Row(
    "One company: $tenant",
    (
        Panel(
            "Latency of $tenant",
            "How long do this company's requests take?",
            "s",
            tuple(
                Query(quantile(share, f"{T}_bucket{{{TENANT}}}", "tenant"), f"{name} {{{{tenant}}}}")
                for share, name in SHARES[:2]
            ),
            steps=at_most((0.5, RED)),
        ),
        Panel(
            "$tenant against all",
            "Is this company slower than the others?",
            "suffix: x",
            (Query(f"{OF_ONE} / scalar({OF_ALL})", "{{tenant}}"),),
            note="1 x: as fast as all companies together. Two and more for long: it is this company.",
            steps=at_most((2, ORANGE)),
        ),
        Panel(
            "Slower than 500 ms",
            "Which share of this company's requests is slow?",
            "percentunit",
            (
                Query(
                    f"1 - {rate(ONE_SLOW, 'tenant')} / ({rate(f'{T}_count{{{TENANT}}}', 'tenant')} > 0)",
                    "{{tenant}}",
                ),
            ),
            steps=at_most((0.05, RED)),
        ),
        Panel(
            "Outcomes of $tenant",
            "How do this company's requests end?",
            "reqps",
            (Query(rate(f"filage_tenant_requests_total{{{TENANT}}}", "outcome"), "{{outcome}}"),),
            note="slow: over 500 ms. error: an answer 5xx.",
            width=12,
            stacked=True,
        ),
        Panel(
            "A company that is not in the list",
            "Where are the figures of a company past the 200?",
            "",
            kind="text",
            width=12,
            content=ROLL_UPS,
        ),
    ),
)
COMPANIES = Board(
    "filage-companies",
    "Companies",
    "Is it everyone, or one company? A company is named by its schema, which says nothing of whose it is.",
    (EVERYONE, ONE),
    (JOB, Choice("tenant", "Company", f"label_values({T}_count{{{J}}}, tenant)")),
)

USED = f'db_client_connection_count{{{J},db_client_connection_state="used"}}'
POOL = Row(
    "Connection pool",
    (
        Panel(
            "Connections",
            "How many connections are in use, and how many may be?",
            "short",
            (
                Query(
                    f"sum by (db_client_connection_state) (db_client_connection_count{{{J}}})",
                    "{{db_client_connection_state}}",
                ),
                Query(f"sum(db_client_connection_max{{{J}}})", "at most"),
            ),
            runbooks=("FilageDbPoolSaturated",),
        ),
        Panel(
            "Fullest pool",
            "Which process has no connection to spare?",
            "percentunit",
            (
                Query(
                    f"sum by (instance, pool) ({USED}) / max by (instance, pool) (db_client_connection_max{{{J}}})",
                    "{{instance}} {{pool}}",
                ),
            ),
            most=1,
            steps=at_most((0.9, RED)),
            runbooks=("FilageDbPoolSaturated",),
        ),
        Panel(
            "Wait for a connection",
            "How long does a request wait for a connection?",
            "s",
            tuple(Query(quantile(share, f"{WAIT}_bucket{{{J}}}"), name) for share, name in SHARES[1:]),
            note="Opening one counts. Over 50 ms for long: the pool is too small, or something holds connections.",
            steps=at_most((0.05, ORANGE)),
        ),
        Panel(
            "Waits given up",
            "Do requests fail for want of a connection?",
            "cps",
            (Query(rate(f"db_client_connection_timeouts_total{{{J}}}", "pool"), "{{pool}}"),),
            width=12,
            height=7,
            runbooks=("FilageDbPoolSaturated",),
        ),
        Panel(
            "Share of the requests' time",
            "Does the time go to the database, or to the wait for it?",
            "percentunit",
            (
                Query(f"{rate(f'{STATEMENTS}_sum{{{J}}}')} / ({rate(f'{H}_sum{{{J}}}')} > 0)", "statements"),
                Query(f"{rate(f'{WAIT}_sum{{{J}}}')} / ({rate(f'{H}_sum{{{J}}}')} > 0)", "wait for a connection"),
            ),
            note="What is neither is Python. Statements of background tasks count as well.",
            width=12,
            height=7,
        ),
    ),
)
STATEMENT = Row(
    "Statements",
    (
        Panel(
            "p95 of statements",
            "Which kind of statement is slow?",
            "s",
            (
                Query(
                    f"{quantile(0.95, f'{STATEMENTS}_bucket{{{J}}}', 'db_operation_name')} and on (db_operation_name)"
                    f" {rate(f'{STATEMENTS}_count{{{J}}}', 'db_operation_name')} > {BUSY}",
                    "{{db_operation_name}}",
                ),
            ),
            note="The slow log of PostgreSQL names company and trace: application_name api/t_000042/<trace id>.",
        ),
        Panel(
            "Statements per second",
            "What does the database have to do?",
            "ops",
            (Query(rate(f"{STATEMENTS}_count{{{J}}}", "db_operation_name"), "{{db_operation_name}}"),),
            stacked=True,
        ),
        Panel(
            "Statements per request",
            "Does a release ask the database more often than the one before?",
            "short",
            (Query(f"{rate(f'{STATEMENTS}_count{{{J}}}')} / ({rate(REQUESTS)} > 0)", "statements per request"),),
            note="A step at a release is a query in a loop, until it is proved to be something else.",
        ),
    ),
)
DATABASE = Board(
    "filage-database-and-pool",
    "Database and pool",
    "Does the time go to the database, to the wait for a connection, or neither?",
    (POOL, STATEMENT),
    (JOB,),
)

STATE = "max by (state) (filage_migration_tenants{%s})"
DONE = STATE % f'{J},state="done"'
LEFT = STATE % f'{J},state=~"pending|running"'
PACE = f"sum(max by (outcome) (rate({MIGRATED}_count{{{J}}}[2m])))"
NO_RUN = "no fleet migration has run yet"
NEW_RUN = "no fleet migration is under way"


def of_run(share: float, histogram: str) -> str:
    """Return a quantile over the newest run: every process shows the same run, so its buckets are not added up."""
    return f"histogram_quantile({share}, max by (le) ({histogram}_bucket{{{J}}}))"


FLEET = Row(
    "Fleet migration",
    (
        Panel(
            "Done",
            "How far is the newest fleet migration?",
            "percentunit",
            (Query(f"sum({DONE}) / (sum({STATE % J}) > 0)"),),
            "stat",
            width=4,
            height=5,
            steps=at_least(1, 0.9),
            no_value=NO_RUN,
            runbooks=("FilageMigrationStalled",),
        ),
        Panel(
            "Failed",
            "For how many companies did it fail?",
            "short",
            (Query(f'max(filage_migration_tenants{{{J},state="failed"}})'),),
            "stat",
            width=4,
            height=5,
            steps=at_most((1, RED)),
            runbooks=("FilageMigrationTenantFailed",),
        ),
        Panel(
            "Time left",
            "When will it be through, at this pace?",
            "s",
            (Query(f"sum({LEFT}) / ({PACE} > 0)"),),
            "stat",
            width=4,
            height=5,
            no_value=NEW_RUN,
            runbooks=("FilageMigrationStalled",),
        ),
        Panel(
            "Companies behind",
            "Is every company at the revision of the release that serves?",
            "short",
            (Query(f'max(filage_tenants{{{J},state="late"}})'),),
            "stat",
            width=4,
            height=5,
            steps=at_most((1, ORANGE)),
            runbooks=("FilageFleetBehind",),
        ),
        Panel(
            "Last complete run",
            "When did a run last leave nobody behind?",
            "s",
            (Query(f"time() - max(filage_migration_last_success_timestamp_seconds{{{J}}})"),),
            "stat",
            width=4,
            height=5,
            no_value=NO_RUN,
        ),
        Panel(
            "Spare schemas",
            "Does a sign-up find a schema ready?",
            "short",
            (Query(f"max(filage_spare_schemas{{{J}}})"),),
            "stat",
            "0: a sign-up makes its own, which takes ten times as long. The worker keeps FILAGE_SPARE_SCHEMAS of them.",
            width=4,
            height=5,
            steps=at_least(1, 1),
        ),
        Panel(
            "Companies of the newest run",
            "Does the migration move?",
            "short",
            (Query(STATE % J, "{{state}}"),),
            stacked=True,
            runbooks=("FilageMigrationStalled", "FilageMigrationTenantFailed"),
        ),
        Panel(
            "Companies migrated per second",
            "At which pace does it go?",
            "cps",
            (Query(f"max by (outcome) (rate({MIGRATED}_count{{{J}}}[2m]))", "{{outcome}}"),),
            no_value=NO_RUN,
        ),
        Panel(
            "Companies by state",
            "How many companies are there, and how many are suspended or behind?",
            "short",
            (Query(f"max by (state) (filage_tenants{{{J}}})", "{{state}}"),),
            runbooks=("FilageFleetBehind",),
        ),
        Panel(
            "Time for a company",
            "How long is a company migrated in the newest run?",
            "s",
            tuple(Query(of_run(share, MIGRATED), name) for share, name in SHARES[:2]),
            no_value=NO_RUN,
        ),
        Panel(
            "Wait for locks",
            "Does the migration wait for those who work?",
            "s",
            (Query(of_run(0.95, LOCKED), "p95"),),
            no_value=NO_RUN,
            runbooks=("FilageMigrationStalled",),
        ),
        Panel(
            "Releases that serve",
            "Do all processes run the same release?",
            "short",
            (Query(f"count by (version, alembic_head) (filage_build_info{{{J}}})", "processes"),),
            "table",
            "Two lines for longer than a roll-out: a process was not replaced.",
            key="version",
        ),
    ),
)
DONE_AGO = f"time() - max by (task) (filage_task_last_success_timestamp_seconds{{{J}}})"
FAILED_TASKS = f'{TASKS}_count{{{J},outcome!="done"}}'
BACKGROUND = Row(
    "Background tasks",
    (
        Panel(
            "Tasks that wait",
            "Does the work pile up?",
            "short",
            (Query(f"max by (queue) (filage_task_queue_depth{{{J}}})", "{{queue}}"),),
            stacked=True,
            runbooks=("FilageTaskQueueStale",),
        ),
        Panel(
            "Age of the oldest due task",
            "Is anybody at work?",
            "s",
            (Query(f"max by (queue) (filage_task_oldest_age_seconds{{{J}}})", "{{queue}}"),),
            steps=at_most((300, RED)),
            runbooks=("FilageTaskQueueStale",),
        ),
        Panel(
            "Tasks done per second",
            "What is done in the background?",
            "cps",
            (Query(rate(f"{TASKS}_count{{{J}}}", "task", "[5m]"), "{{task}}"),),
            stacked=True,
        ),
        Panel(
            "p95 of tasks",
            "Which task takes long?",
            "s",
            (
                Query(
                    f"{quantile(0.95, f'{TASKS}_bucket{{{J}}}', 'task', '[15m]')}"
                    f" and on (task) {rate(f'{TASKS}_count{{{J}}}', 'task', '[15m]')} > 0",
                    "{{task}}",
                ),
            ),
        ),
        Panel(
            "Tasks that failed",
            "Which task fails or has to be tried again?",
            "cps",
            (
                Query(
                    f"{rate(FAILED_TASKS, 'task, outcome', '[5m]')}"
                    f" or {rate(f'{TASKS}_count{{{J}}}', 'task', '[5m]')} * 0",
                    "{{task}} {{outcome}}",
                ),
            ),
            note="`filage tasks list` says why; `filage tasks retry` tries again.",
        ),
        Panel(
            "Since a task was last done",
            "Which task has not been done for long?",
            "s",
            (Query(DONE_AGO, "{{task}}"),),
        ),
        Panel(
            "Mails",
            "Do mails go out?",
            "cps",
            (Query(rate(f"filage_mails_total{{{J}}}", "outcome", "[5m]"), "{{outcome}}"),),
            width=16,
            height=7,
            no_value="no mail since the processes began",
        ),
        Panel(
            "Since the last backup",
            "How much would be lost at worst?",
            "s",
            (Query("time() - max(filage_backup_last_success_timestamp_seconds)"),),
            "stat",
            "Promised: at most a day.",
            height=7,
            steps=at_most((26 * 3600, RED)),
            no_value="no backup has been noted",
            runbooks=("FilageBackupStale",),
        ),
    ),
)
MIGRATIONS = Board(
    "filage-migrations-and-tasks",
    "Migrations and tasks",
    "Are all companies at the same revision, and is the background work done?",
    (FLEET, BACKGROUND),
    (Choice("job", "Job", "label_values(filage_build_info, job)", everything="filage-.*"),),
)

BOARDS = (SERVICE, COMPANIES, DATABASE, MIGRATIONS)
