"""The words that boards are written in (a query, a panel, a row, a board), and how they become Grafana's JSON."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Literal
from zlib import crc32

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, table, text, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

DASHBOARDS = Path(__file__).parent / "dashboards"
RUNBOOKS = "/public/runbooks"  # deploy/runbooks, mounted where Grafana serves files of its own
WIDTH = 24
NEVER = 2_000_000_000

Steps = tuple[tuple[float | None, str], ...]
Kind = Literal["timeseries", "stat", "table", "heatmap", "text"]
AnyPanel = timeseries.Panel | stat.Panel | table.Panel | heatmap.Panel | text.Panel
DATASOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")


@dataclass(frozen=True, slots=True)
class Query:
    """One expression; `legend` names its series, or its column in a table, where `unit` and `steps` are its own."""

    expr: str
    legend: str = ""
    unit: str = ""
    exemplars: bool = False
    steps: Steps = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """One question, and the expressions that answer it.

    `steps` colour a value: the first for all, each further one from its value on. `no_value` says why there may be no
    answer; a panel without it always has one. `key` is the label that a table has a line for.
    """

    title: str
    question: str
    unit: str
    queries: tuple[Query, ...] = ()
    kind: Kind = "timeseries"
    note: str = ""
    width: int = 8
    height: int = 8
    steps: Steps = ()
    most: float | None = None
    stacked: bool = False
    no_value: str = ""
    runbooks: tuple[str, ...] = ()
    key: str = ""
    content: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable of a board: `query` lists its values, `everything` is the pattern that stands for all of them.

    Without `chosen` and `everything`, the first one is chosen.
    """

    name: str
    label: str
    query: str
    chosen: str = ""
    everything: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    uid: str
    title: str
    about: str
    rows: tuple[Row, ...]
    choices: tuple[Choice, ...] = field(default=())

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels, from top to bottom."""
        return tuple(panel for row in self.rows for panel in row.panels)


def as_json(board: Board) -> str:
    """Return the file of a board: the same text for the same board."""
    encoder = JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False)
    return encoder.encode(_dashboard(board)) + "\n"


def _dashboard(board: Board) -> models.Dashboard:
    made = (
        dashboard.Dashboard(f"Filage / {board.title}")
        .uid(board.uid)
        .description(board.about)
        .tags(["filage"])
        .readonly()
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .refresh("30s")
        .time("now-1h", "now")
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .link(
            dashboard.DashboardLink("Boards of Filage")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags(["filage"])
            .keep_time(keep_time=True)
        )
    )
    for choice in board.choices:
        made.with_variable(_variable(choice))
    for row, first_line in zip(board.rows, _first_lines(board.rows), strict=True):
        _place(made, row, first_line, board.uid)
    return made.build()


def _first_lines(rows: tuple[Row, ...]) -> Iterator[int]:
    """Yield the line that each row begins on."""
    return accumulate((1 + _lines(row)[-1][1] for row in rows[:-1]), initial=0)


def _lines(row: Row) -> list[tuple[int, int]]:
    """Return where each panel of a row begins (column, line below the title), and where the row ends."""
    column = line = tallest = 0
    places = []
    for panel in row.panels:
        if column + panel.width > WIDTH:
            column, line, tallest = 0, line + tallest, 0
        places.append((column, line))
        column, tallest = column + panel.width, max(tallest, panel.height)
    return [*places, (0, line + tallest)]


def _place(made: dashboard.Dashboard, row: Row, first_line: int, uid: str) -> None:
    at = models.GridPos(x=0, y=first_line, w=WIDTH, h=1)
    made.with_row(dashboard.Row(row.title).id(_id(uid, row.title)).grid_pos(at))
    for panel, (column, line) in zip(row.panels, _lines(row), strict=False):
        at = models.GridPos(x=column, y=first_line + 1 + line, w=panel.width, h=panel.height)
        made.with_panel(_panel(panel).id(_id(uid, panel.title)).grid_pos(at))


def _id(uid: str, title: str) -> int:
    """Return a panel's number: it stays the same when panels come and go around it, so that links to it hold."""
    return crc32(f"{uid}/{title}".encode()) % NEVER + 1


def _variable(choice: Choice) -> dashboard.QueryVariable:
    made = (
        dashboard.QueryVariable(choice.name)
        .label(choice.label)
        .datasource(DATASOURCE)
        .query(choice.query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
    )
    if choice.everything:
        made.include_all(include_all=True).all_value(choice.everything).multi(multi=True)
        return made.current(models.VariableOption(selected=True, text="All", value="$__all"))
    if choice.chosen:
        made.current(models.VariableOption(selected=True, text=choice.chosen, value=choice.chosen))
    return made


def _panel(panel: Panel) -> AnyPanel:
    made = _MAKERS[panel.kind](panel)
    made.title(panel.title).description(f"{panel.question}\n\n{panel.note}".strip())
    links = [
        dashboard.DashboardLink(f"Runbook {name}").url(f"{RUNBOOKS}/{name}.md").target_blank(target_blank=True)
        for name in panel.runbooks
    ]
    if links:
        made.links(list(links))
    if isinstance(made, text.Panel):
        return made
    made.datasource(DATASOURCE).unit(panel.unit)
    made.targets([_target(panel, query, ref) for query, ref in zip(panel.queries, "ABCDEFGH", strict=False)])
    if panel.steps:
        made.thresholds(_thresholds(panel.steps))
    if panel.no_value:
        made.no_value(panel.no_value)
    return made


def _target(panel: Panel, query: Query, ref: str) -> prometheus.Dataquery:
    made = prometheus.Dataquery().ref_id(ref).expr(query.expr).datasource(DATASOURCE)
    if panel.kind == "table":
        return made.instant().format(PromQueryFormat.TABLE)
    if panel.kind == "heatmap":
        return made.range().format(PromQueryFormat.HEATMAP).legend_format("{{le}}")
    made.range().legend_format(query.legend or panel.title)
    return made.exemplar(exemplar=True) if query.exemplars else made


def _timeseries(panel: Panel) -> AnyPanel:
    legend = common.VizLegendOptions().show_legend(show_legend=True).placement(shapes.LegendPlacement.BOTTOM)
    made = (
        timeseries.Panel()
        .line_width(2 if len(panel.queries) > 1 else 1.5)
        .fill_opacity(35 if panel.stacked else 8)
        .show_points(shapes.VisibilityMode.NEVER)
        .legend(legend.display_mode(shapes.LegendDisplayMode.LIST).calcs(["lastNotNull"]))
        .tooltip(common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI).sort(shapes.SortOrder.DESCENDING))
        .min(0)
    )
    if panel.most is not None:
        made.max(panel.most)
    if panel.stacked:
        made.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL))
    if panel.steps:
        made.thresholds_style(common.GraphThresholdsStyleConfig().mode(shapes.GraphThresholdsStyleMode.DASHED))
    return made


def _stat(panel: Panel) -> AnyPanel:
    return (
        stat.Panel()
        .graph_mode(shapes.BigValueGraphMode.AREA)
        .color_mode(shapes.BigValueColorMode.VALUE if panel.steps else shapes.BigValueColorMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def _table(panel: Panel) -> AnyPanel:
    """One line per value of the key, one column per query."""
    refs = dict(zip("ABCDEFGH", panel.queries, strict=False))
    named = {f"Value #{ref}": query.legend for ref, query in refs.items()} | {"Value": panel.queries[0].legend}
    times = {"Time": True} | {f"Time {number}": True for number in range(1, len(refs) + 1)}
    made = (
        table.Panel()
        .with_transformation(models.DataTransformerConfig("joinByField", options={"byField": panel.key}))
        .with_transformation(
            models.DataTransformerConfig("organize", options={"excludeByName": times, "renameByName": named})
        )
    )
    for query in panel.queries:
        made.override_by_name(query.legend, _column(query, query.unit or panel.unit))
    return made


def _column(query: Query, unit: str) -> list[models.DynamicConfigValue]:
    properties = [models.DynamicConfigValue("unit", unit)]
    if query.steps:
        thresholds = _thresholds(query.steps).build()
        properties.append(models.DynamicConfigValue("thresholds", thresholds))
        properties.append(models.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
    return properties


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    made = [models.Threshold(value, colour) for value, colour in steps]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(made)


def _heatmap(panel: Panel) -> AnyPanel:
    colours = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues")
    return (
        heatmap.Panel()
        .color(colours.scale(HeatmapColorScale.EXPONENTIAL).exponent(0.5).steps(64))
        .y_axis(heatmap.YAxisConfig().unit(panel.unit))
        .filter_values(heatmap.FilterValueRange().le(1e-9))
        .show_y_histogram()
    )


def _text(panel: Panel) -> AnyPanel:
    return text.Panel().mode(TextMode.MARKDOWN).content(panel.content)


_MAKERS: dict[Kind, Callable[[Panel], AnyPanel]] = {
    "timeseries": _timeseries,
    "stat": _stat,
    "table": _table,
    "heatmap": _heatmap,
    "text": _text,
}
