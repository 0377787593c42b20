"""Pipelines, versions and aliases: what requests mean, and what they fold to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CommandRejected, DefinitionError, NotFound
from engine.model import events as e
from engine.model.pipelines import PipelineStatus, PipelineView, apply_pipeline
from engine.pipelines import changes, limits
from engine.pipelines.changes import VersionChange

CREATED = e.PipelineCreated("Abalone", "d1", "c1", description="first")


def folded(*facts: e.Fact) -> PipelineView:
    view: PipelineView | None = None
    for seq, fact in enumerate(facts, start=1):
        view = apply_pipeline(view, e.Event(seq, "", float(seq), f"actor{seq}", fact))
    assert view is not None
    return view


def update(content: str) -> e.PipelineUpdated:
    return e.PipelineUpdated("Abalone", f"text of {content}", content)


def execution(number: int, content: str) -> e.ExecutionCreated:
    return e.ExecutionCreated(
        "Abalone", f"text of {content}", {}, (), content=content, pipeline_version=number
    )


def alias(version: int, *aliases: str) -> e.PipelineVersionUpdated:
    return e.PipelineVersionUpdated("Abalone", version, aliases=aliases)


def test_a_new_pipeline_has_its_definition_as_version_1() -> None:
    view = folded(CREATED)
    assert (view.name, view.description, view.status) == (
        "Abalone",
        "first",
        PipelineStatus.ACTIVE,
    )
    assert [(one.number, one.definition) for one in view.versions] == [(1, "d1")]
    assert view.arn.endswith(":pipeline/abalone")


def test_only_other_content_makes_a_version() -> None:
    view = folded(CREATED, update("c2"), e.PipelineUpdated("Abalone", description="said"))
    assert [one.content for one in view.versions] == ["c1", "c2"]
    assert (view.description, view.modified_by, view.created_by) == ("said", "actor3", "actor1")
    assert changes.update(view, update("c2")) is None
    assert changes.update(view, update("c1")) == update("c1")


def test_the_first_run_of_a_file_makes_the_pipeline_and_new_content_the_next_version() -> None:
    view = folded(execution(1, "c1"), execution(1, "c1"), execution(2, "c2"), execution(1, "c1"))
    assert [(one.number, one.content) for one in view.versions] == [(1, "c1"), (2, "c2")]
    assert view.modified_at == 3.0


def test_executions_from_before_versions_make_no_pipeline() -> None:
    event = e.Event(1, "run", 1.0, "ann", execution(0, "c1"))
    assert apply_pipeline(None, event) is None


def test_a_deleted_name_begins_at_version_1_again() -> None:
    deleted = folded(CREATED, update("c2"), e.PipelineDeleted("Abalone"))
    assert deleted.status is PipelineStatus.DELETING
    for again in (CREATED, execution(1, "c9")):
        view = folded(CREATED, update("c2"), e.PipelineDeleted("Abalone"), again)
        assert [one.number for one in view.versions] == [1]
        assert view.status is PipelineStatus.ACTIVE
    with pytest.raises(NotFound):
        changes.update(deleted, update("c3"))
    assert changes.create(deleted, CREATED) == CREATED


def test_an_alias_names_one_version() -> None:
    view = folded(CREATED, update("c2"), alias(1, "prod", "old"), alias(2, "prod"))
    assert [one.aliases for one in view.versions] == [("old",), ("prod",)]
    assert view.version("prod").number == view.version("2").number == view.version("").number == 2
    with pytest.raises(NotFound):
        view.version("nope")


def test_an_alias_of_another_version_moves_or_is_refused() -> None:
    view = folded(CREATED, update("c2"), alias(1, "prod"))
    assert changes.update_version(view, "Abalone", "2", VersionChange(add_aliases=["prod"])) == (
        alias(2, "prod")
    )
    with pytest.raises(CommandRejected) as refused:
        stay = VersionChange(add_aliases=["prod"], move=False)
        changes.update_version(view, "Abalone", "2", stay)
    assert refused.value.code == "version-alias-taken"


def test_a_version_has_at_most_ten_aliases() -> None:
    view = folded(CREATED, alias(1, *(f"a{n}" for n in range(10))))
    with pytest.raises(CommandRejected) as refused:
        changes.update_version(view, "Abalone", "1", VersionChange(add_aliases=["a10"]))
    assert refused.value.code == "version-aliases-full"
    swap = VersionChange(add_aliases=["a10"], remove_aliases=["a0"])
    fact = changes.update_version(view, "Abalone", "1", swap)
    assert fact is not None and fact.aliases == tuple(f"a{n}" for n in range(1, 11))


def test_nothing_is_recorded_for_a_change_that_changes_nothing() -> None:
    view = folded(CREATED, alias(1, "prod"))
    assert changes.update_version(view, "Abalone", "1", VersionChange(add_aliases=["prod"])) is None
    assert changes.update(view, e.PipelineUpdated("Abalone")) is None


def test_what_is_not_there_is_not_found() -> None:
    view = folded(CREATED)
    for wrong in (
        lambda: changes.update_version(view, "Abalone", "7", VersionChange("x")),
        lambda: changes.update_version(view, "Abalone", "1", VersionChange(remove_aliases=["x"])),
        lambda: changes.delete(None, "Abalone"),
    ):
        with pytest.raises(NotFound):
            wrong()


def test_a_name_is_taken_once_and_in_every_case() -> None:
    with pytest.raises(CommandRejected, match="already exists") as refused:
        changes.create(folded(CREATED), CREATED)
    assert refused.value.code == "pipeline-exists"


@pytest.mark.parametrize("name", ["", "-a", "a-", "a_b", "a b", "ä", "a" * 257, "a\n"])
def test_what_the_service_would_not_take_as_a_pipeline_name_is_refused(name: str) -> None:
    with pytest.raises(DefinitionError):
        limits.check_pipeline_name(name)


@pytest.mark.parametrize("name", ["a", "A-1", "a--b", "9", "a" * 256])
def test_names_of_pipelines_are_letters_digits_and_hyphens(name: str) -> None:
    limits.check_pipeline_name(name)


@pytest.mark.parametrize("alias", ["", "12", "a b", "a" * 129, "a@b"])
def test_an_alias_is_a_word_and_no_number(alias: str) -> None:
    with pytest.raises(DefinitionError):
        limits.check_alias(alias)


@pytest.mark.parametrize("alias", ["prod", "v1.2_3-x", "1a", "a" * 128])
def test_an_alias_may_hold_dots_and_underscores(alias: str) -> None:
    limits.check_alias(alias)


def test_texts_and_tokens_have_the_services_lengths() -> None:
    limits.check_description("x" * 3072)
    limits.check_execution_name("x" * 82)
    for good in ("", "x" * 32, "x" * 128):
        limits.check_token(good)
    for check, bad in (
        (limits.check_description, "x" * 3073),
        (limits.check_execution_name, "x" * 83),
        (limits.check_version_name, "x" * 83),
        (limits.check_token, "x" * 31),
        (limits.check_token, "x" * 129),
    ):
        with pytest.raises(DefinitionError):
            check(bad)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 4),
            st.lists(st.sampled_from("abcdef"), max_size=3),
            st.lists(st.sampled_from("abcdef"), max_size=2),
        ),
        max_size=12,
    )
)
def test_whatever_is_asked_each_alias_names_at_most_one_version(
    asked: list[tuple[int, list[str], list[str]]],
) -> None:
    facts: list[e.Fact] = [CREATED, update("c2"), update("c3"), update("c4")]
    for version, add, remove in asked:
        view = folded(*facts)
        try:
            change = VersionChange(add_aliases=add, remove_aliases=remove)
            fact = changes.update_version(view, "Abalone", str(version), change)
        except NotFound:
            continue
        if fact is not None:
            facts.append(fact)
        aliases = [one for each in folded(*facts).versions for one in each.aliases]
        assert sorted(set(aliases)) == sorted(aliases)
        assert set(add) <= set(folded(*facts).version(str(version)).aliases)
