"""Figures, legends and tables of a step's metrics."""

from __future__ import annotations

import pytest

from engine.model.status import StepStatus
from engine.model.views import StepView
from engine.sources.series import MetricSeries, Origin, Point
from engine.sources.trials import Trial
from engine.sources.usage import Sample, Usage
from pipetui.viewmodel import metrics as view
from pipetui.viewmodel.lines import length, text_of
from pipetui.viewmodel.state import Display

LOOK, PLAIN = Display(), Display(unicode=False)


def series(name: str, *values: float, origin: Origin = Origin.DECLARED) -> MetricSeries:
    points = tuple(Point(float(at), value) for at, value in enumerate(values))
    return MetricSeries(name, points, origin, True, len(values))


def step(**more: object) -> StepView:
    return StepView("k3f9aaaa", 0, "train", "Training", StepStatus.SUCCEEDED, **more)  # type: ignore[arg-type]


RUN = view.Run("k3f9", step(), (series("train:rmse", 9, 4, 2), series("validation:rmse", 9, 5, 4)))
BEFORE = view.Run("9dk2", step(), (series("train:rmse", 8, 3), series("mae", 1, 1)))


def text(runs: list[view.Run], chosen: int = 0, width: int = 100, height: int = 30) -> str:
    return "\n".join(text_of(line) for line in view.lines(runs, chosen, width, height, LOOK))


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("train:rmse", "rmse"),
        ("validation-auc", "auc"),
        ("val_loss", "loss"),
        ("loss_val", "loss"),
        ("loss", "loss"),
        ("training throughput", "throughput"),
        ("valor", "valor"),
    ],
)
def test_train_and_validation_share_a_figure(name: str, family: str) -> None:
    assert view.family(name) == family


def test_curves_of_several_runs_lie_over_each_other_with_a_table_of_differences() -> None:
    shown = text([RUN, BEFORE])
    assert "rmse" in shown and "1 of 2" in shown
    for letter, name, run in (
        ("a", "train:rmse", "k3f9"),
        ("b", "validation:rmse", "k3f9"),
        ("c", "train:rmse", "9dk2"),
    ):
        (line,) = [one for one in shown.split("\n") if one.startswith(f"  {letter} ")]
        assert name in line and run in line
    (row,) = [one for one in shown.split("\n") if one.startswith("   9dk2")]
    assert "+50.0%" in row, "3 is half as much again as 2"
    assert "mae" in text([RUN, BEFORE], chosen=1).split("\n")[0]


def test_what_was_only_found_is_labelled() -> None:
    run = view.Run("k3f9", step(), (series("loss", 2, 1, origin=Origin.FOUND),))
    assert "found in the log" in text([run]).split("\n")[0]
    assert view.note(run.series, LOOK) == ""


def test_cores_and_memory_are_figures_from_zero() -> None:
    usage = Usage((Sample(10, 0, 0), Sample(11, 1.5, 9_000_000), Sample(12, 1, 5)), 9_000_000, 2.5)
    run = view.Run("k3f9", step(), (), usage)
    assert [one.title for one in view.figures([run])] == ["cores", "memory"]
    assert "9.0 MB" in text([run], chosen=1)


def test_a_tuning_step_has_a_leaderboard_and_the_best_so_far() -> None:
    trials = [
        Trial(2, "b", "Completed", {"eta": "0.30000001"}, "auc", 1, 3, (), 0.9, True),
        Trial(1, "a", "Completed", {"eta": "0.1"}, "auc", 0, 2, (), 0.7),
        Trial(3, "c", "Failed", {"eta": "0.2"}, "auc", 0, 2),
    ]
    run = view.Run("k3f9", step(), trials=trials)
    (figure,) = view.figures([run])
    best, each = figure.traces
    assert best.points == ((1.0, 0.7), (2.0, 0.9))
    assert each.points == best.points
    shown = text([run])
    assert "*    2" in shown and "eta=0.3" in shown and "Failed" in shown


def test_final_values_come_from_the_description_where_there_is_no_log() -> None:
    known = {"FinalMetricDataList": [{"MetricName": "auc", "Value": 0.75, "Timestamp": 1.0}]}
    assert view.finals(view.Run("k3f9", step(properties=known))) == {"auc": 0.75}


def test_the_note_of_a_running_step_is_its_validation_metric() -> None:
    assert view.note(RUN.series, LOOK) == "rmse 4 █▂▁"
    assert view.note(RUN.series, PLAIN).isascii()
    assert view.note((), LOOK) == ""


@pytest.mark.parametrize("width", [40, 80, 116])
@pytest.mark.parametrize("height", [8, 20, 60])
def test_lines_fit_their_pane(width: int, height: int) -> None:
    for look in (LOOK, PLAIN):
        for line in view.lines([RUN, BEFORE], 0, width, height, look):
            if not text_of(line).startswith("  "):
                assert length(line) <= width


def test_without_anything_it_says_why() -> None:
    assert "runs no job" in text([view.Run("k3f9", step())])
    assert "No step" in text([])
