"""What a planning would tell of a person's file (an age, a skill, a permit) to somebody who may not read people."""

OF_PEOPLE = ("MIN-", "SKILL-", "PERMIT-")
"""How the rules begin whose findings and derogations tell it."""
NOTES_OF_PEOPLE = frozenset({"birth_date_unknown"})


def tells_of_people(rule: str) -> bool:
    """Tell whether a rule says what stands in the file of whoever it is about."""
    return rule.startswith(OF_PEOPLE)
