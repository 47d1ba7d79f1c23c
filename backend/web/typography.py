"""How French is set: no line begins with a punctuation mark, and none ends with the mark that opens a quotation."""

import re

from backend.core.errors import Sentence

# A space that is already there becomes one that does not break; none is added, so "20:30" and addresses stay.
_BEFORE_A_MARK = re.compile(r"(?<!«) (?=[;!?](?![\w=]))")
# "11 h", "11 h 30" and "40 min", in both languages.
_OF_HOURS = re.compile(r"(?<=\d) (?=(?:h|min)\b)|(?<=\d h) (?=\d\d\b)")
_BEFORE_A_COLON = re.compile(r" (?=:(?![\w/])|»)|(?<=«) ")


def typeset(text: str, language: str = "fr") -> str:
    """Return a text of ours as it is shown in `language`: hours hold together; in French, a mark and its word too."""
    held = _OF_HOURS.sub("\u00a0", text)
    return held if language != "fr" else _BEFORE_A_COLON.sub("\u00a0", _BEFORE_A_MARK.sub("\u202f", held))


def said(sentence: Sentence, language: str) -> str:
    """Return a sentence in `language`, as it is shown."""
    return typeset(sentence.in_language(language), language)
