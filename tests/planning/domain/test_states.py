"""The state machine of an assignment, pure."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.planning import models
from backend.planning.domain.states import LIVE, Action, Status, TransitionError, after, allowed, effective, is_undoable

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
FINAL = set(Status) - LIVE

# Written down from the contract, independently of the code.
EXPECTED = {
    ("draft", "offer"): "option",
    ("draft", "confirm"): "confirmed",
    ("option", "accept"): "accepted",
    ("option", "decline"): "declined",
    ("option", "confirm"): "confirmed",
    ("option", "release"): "released",
    ("accepted", "decline"): "declined",
    ("accepted", "confirm"): "confirmed",
    ("accepted", "release"): "released",
    ("confirmed", "cancel"): "cancelled",
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("action", Action)
def test_each_act_leads_where_the_contract_says_and_nowhere_else(status: Status, action: Action) -> None:
    expected = EXPECTED.get((status, action))
    if expected is not None:
        assert after(status, action) == expected
        return
    with pytest.raises(TransitionError) as refused:
        after(status, action)
    assert refused.value.allowed == allowed(status)


@given(st.lists(st.sampled_from(Action)), st.booleans(), st.booleans())
def test_any_sequence_of_acts_stays_inside_the_machine(acts: list[Action], contested: bool, undoable: bool) -> None:
    status = Status.DRAFT
    for action in acts:
        possible = allowed(status, contested=contested, undoable=undoable)
        if action in possible:
            status = after(status, action, contested=contested, undoable=undoable)
            assert status in set(Status)
        else:
            with pytest.raises(TransitionError):
                after(status, action, contested=contested, undoable=undoable)
    if status in FINAL:
        left = (Action.UNDO,) if undoable and status in {Status.DECLINED, Status.RELEASED} else ()
        assert allowed(status, contested=contested, undoable=undoable) == left


@pytest.mark.parametrize("status", Status)
def test_only_an_answer_or_a_release_is_taken_back_and_only_until_the_option_expires(status: Status) -> None:
    if status in {Status.DECLINED, Status.RELEASED}:
        assert after(status, Action.UNDO, undoable=True) is Status.OPTION
    else:
        with pytest.raises(TransitionError):
            after(status, Action.UNDO, undoable=True)
    with pytest.raises(TransitionError):
        after(status, Action.UNDO)
    assert is_undoable(NOW + timedelta(seconds=1), NOW)
    assert not is_undoable(NOW, NOW)
    assert not is_undoable(None, NOW)


def test_a_contested_confirmed_assignment_may_be_declined_or_accepted_by_the_person() -> None:
    assert after(Status.CONFIRMED, Action.ACCEPT, contested=True) is Status.CONFIRMED
    assert after(Status.CONFIRMED, Action.DECLINE, contested=True) is Status.DECLINED
    with pytest.raises(TransitionError):
        after(Status.CONFIRMED, Action.DECLINE)


@pytest.mark.parametrize("action", [Action.ACCEPT, Action.DECLINE])
def test_contested_changes_nothing_for_an_assignment_that_is_not_confirmed(action: Action) -> None:
    with pytest.raises(TransitionError):
        after(Status.DRAFT, action, contested=True)


def test_an_option_is_expired_from_its_very_instant_of_expiry_on() -> None:
    assert effective(Status.OPTION, NOW, NOW) is Status.EXPIRED
    assert effective(Status.OPTION, NOW + timedelta(seconds=1), NOW) is Status.OPTION
    assert effective(Status.OPTION, None, NOW) is Status.OPTION


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.OPTION}))
def test_only_an_option_expires(status: Status) -> None:
    assert effective(status, NOW - timedelta(days=1), NOW) is status


def test_the_unique_index_of_live_assignments_names_the_live_states() -> None:
    condition = str(models._LIVE)
    assert set(re.findall(r"'(\w+)'", condition)) == {status.value for status in LIVE}
