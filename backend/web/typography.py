"""How French is set: no line begins with a punctuation mark, and none ends with the mark that opens a quotation."""

import re

from backend.core.errors import Sentence

# A space that is already there becomes one that does not break; none is added, so "20:30" and addresses stay.
_BEFORE_A_MARK = re.compile(r" (?=[;!?](?![\w=]))")
_BEFORE_A_COLON = re.compile(r" (?=:(?![\w/])|»)|(?<=«) ")


def typeset(text: str, language: str = "fr") -> str:
    """Return a text of ours as it is shown in `language`; of French, with the spaces that hold a mark to its word."""
    return text if language != "fr" else _BEFORE_A_COLON.sub("\u00a0", _BEFORE_A_MARK.sub("\u202f", text))


def said(sentence: Sentence, language: str) -> str:
    """Return a sentence in `language`, as it is shown."""
    return typeset(sentence.in_language(language), language)
