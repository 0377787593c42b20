"""Which candidates are proposed, and in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.environments.algorithms.automl.candidates import FAMILIES, families, proposals
from engine.environments.algorithms.automl.problem import AutoMLError


@given(st.integers(0, 40), st.integers(0, 5))
def test_a_seed_gives_the_same_proposals_whatever_their_number(count: int, seed: int) -> None:
    tried = families([], has_xgboost=True)
    found = list(proposals(tried, count, seed))
    assert found == list(proposals(tried, 50, seed))[:count]
    assert [one.number for one in found] == list(range(1, count + 1))


def test_each_family_is_tried_as_it_is_before_settings_are_drawn() -> None:
    tried = families([], has_xgboost=True)
    found = list(proposals(tried, 2 * len(tried), 0))
    first, second = found[: len(tried)], found[len(tried) :]
    assert [(one.family, one.settings) for one in first] == [
        (one.name, one.usual) for one in FAMILIES
    ]
    assert [one.family for one in second] == [one.family for one in first]


def test_another_seed_draws_other_settings() -> None:
    tried = families([], has_xgboost=True)
    drawn = {str(list(proposals(tried, 12, seed))) for seed in range(5)}
    assert len(drawn) == 5


def test_algorithms_are_chosen_by_the_services_names_and_by_what_is_here() -> None:
    def names(algorithms: list[str], has_xgboost: bool = True) -> list[str]:
        return [one.name for one in families(algorithms, has_xgboost)]

    assert names(["catboost", "randomforest"]) == ["random-forest", "gradient-boosting"]
    assert names(["xgboost", "linear-learner"], has_xgboost=False) == ["linear"]
    assert "xgboost" not in names([], has_xgboost=False)
    with pytest.raises(AutoMLError, match="algorithms xgboost is here"):
        names(["xgboost"], has_xgboost=False)
