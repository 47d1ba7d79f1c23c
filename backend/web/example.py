"""A week of an invented company, for whoever has none yet: what the board looks like, to be read and nothing more."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExampleCall:
    """One call: its hours and title in both languages, its coverage, and the icon and class of that state."""

    hours: str
    french: str
    english: str
    state: str
    icon: str
    coverage: str


@dataclass(frozen=True, slots=True)
class ExampleVenue:
    """One row: a venue and its calls, day by day from Monday."""

    name: str
    days: tuple[tuple[ExampleCall, ...], ...]


def _call(hours: str, french: str, english: str, state: str, coverage: str) -> ExampleCall:
    icon = {
        "full": "check",
        "part": "triangle-alert",
        "option": "hourglass",
        "none": "octagon-alert",
        "draft": "pencil",
    }
    return ExampleCall(hours, french, english, state, icon[state], coverage)


EXAMPLE = (
    ExampleVenue(
        "Salle du Cabestan",
        (
            (_call("9–18", "Montage", "Load-in", "full", "6/6"),),
            (_call("9–13", "Réglages", "Focus", "full", "4/4"), _call("14–18", "Filage", "Run-through", "part", "8/9")),
            (_call("20–23", "Couturière", "Tech dress", "full", "9/9"),),
            (_call("20–23", "Générale", "Dress rehearsal", "full", "9/9"),),
            (_call("18–23", "Représentation", "Performance", "option", "8/9"),),
            (_call("18–23", "Représentation", "Performance", "none", "0/9"),),
            (_call("9–13", "Démontage", "Strike", "draft", "2/6"),),
        ),
    ),
    ExampleVenue(
        "Studio du Radoub",
        (
            (_call("14–18", "Répétition", "Rehearsal", "full", "5/5"),),
            (_call("14–18", "Répétition", "Rehearsal", "full", "5/5"),),
            (),
            (_call("10–13", "Italienne", "Line run", "option", "4/5"),),
            (),
            (),
            (),
        ),
    ),
)
