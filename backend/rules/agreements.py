"""What a company's own agreement may set: stricter where it wants, wider as far as the text of the rule lets."""

from collections.abc import Iterator, Mapping

from backend.core.errors import Sentence
from backend.rules.dated import STRICTER, Rule, Value
from backend.rules.law import Agreement, is_stricter
from backend.rules.wording import hours


def find_refusal(agreement: Agreement, rules: Mapping[str, Rule]) -> Sentence | None:
    """Return why the agreement cannot set this limit, with the article that says so; None where it can."""
    rule = rules.get(agreement.rule)
    if rule is None:
        return Sentence(
            f"La règle {agreement.rule} n'existe pas pour votre compagnie.",
            f"The rule {agreement.rule} does not exist for your company.",
        )
    if rule.agreement is None:
        article = rule.values[-1].source.article
        return Sentence(
            f"{rule.title.fr} ({rule.id}) : Filage ne connaît aucun texte par lequel un accord d'entreprise en "
            f"fixerait le seuil ; voyez {article}.",
            f"{rule.title.en} ({rule.id}): Filage knows no text by which a company agreement would set its limit; see "
            f"{article}.",
        )
    for value in _in_force(rule, agreement):
        bound = value.limit if rule.agreement == STRICTER else value[rule.agreement]
        if is_stricter(rule, bound, agreement.limit):
            return _too_wide(rule, value, bound)
    return None


def _in_force(rule: Rule, agreement: Agreement) -> Iterator[Value]:
    first = agreement.valid_from.toordinal()
    last = None if agreement.valid_to is None else agreement.valid_to.toordinal()
    for value in rule.values:
        if (value.end is None or value.end > first) and (last is None or value.start <= last):
            yield value


def _too_wide(rule: Rule, value: Value, bound: int) -> Sentence:
    article = value.source.article
    fr, en = (f"{hours(bound)} au moins", f"{hours(bound)} at least")
    if not rule.minimum:
        fr, en = (f"{hours(bound)} au plus", f"{hours(bound)} at most")
    if rule.agreement == STRICTER:
        return Sentence(
            f"{rule.title.fr} ({rule.id}) : aucun accord d'entreprise ne peut l'élargir, {fr} ({article}).",
            f"{rule.title.en} ({rule.id}): no company agreement may widen it, {en} ({article}).",
        )
    return Sentence(
        f"{rule.title.fr} ({rule.id}) : un accord d'entreprise va jusqu'à {fr}, pas plus loin ({article}).",
        f"{rule.title.en} ({rule.id}): a company agreement goes as far as {en}, and no further ({article}).",
    )
