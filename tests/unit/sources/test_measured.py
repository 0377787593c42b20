"""Usage and metrics out of files that grow."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.jobs import usage as sampling
from engine.logs.files import FileLog
from engine.sources.growing import GrowingFile
from engine.sources.moments import line_at
from engine.sources.series import KEPT, MetricSeries, Origin, SeriesFile, thinned, timed
from engine.sources.usage import UsageFile
from engine.steps.metrics import metric_definitions


def _samples(folder: Path, *rows: str) -> UsageFile:
    with (folder / sampling.FILE).open("a") as file:
        file.write("".join(row + "\n" for row in rows))
    return UsageFile(str(folder))


def test_cores_are_what_was_used_between_two_samples(tmp_path: Path) -> None:
    file = _samples(tmp_path, "[100,0,0,0]", "[101,2,500,10]", "[103,3,900,30]")
    usage = file.read()
    assert [one.cores for one in usage.samples] == [0.0, 2.0, 0.5]
    assert (usage.peak_memory, usage.cpu_s, usage.mean_cores) == (900, 3.0, 1.0)
    _samples(tmp_path, "[104,4,100,40]")
    assert file.read().samples[-1].cores == 1.0
    assert usage.until(101.5).peak_memory == 500
    assert usage.until(101.5).cpu_s == 2.0


def test_a_runner_that_took_over_counts_on_and_broken_lines_are_passed_over(
    tmp_path: Path,
) -> None:
    usage = _samples(
        tmp_path, "[100,0,0,0]", "[101,5,1,0]", "[102,", "null", "[102,1,1,0]", "[103,2,1,0]"
    ).read()
    assert [one.cores for one in usage.samples] == [0.0, 5.0, 0.0, 1.0]


def test_many_samples_are_joined_and_the_peak_stays(tmp_path: Path) -> None:
    rows = [f"[{at},{at / 2},{9999 if at == 777 else 5},0]" for at in range(9000)]
    usage = _samples(tmp_path, *rows).read()
    assert len(usage.samples) <= 4501
    assert usage.peak_memory == 9999
    assert usage.mean_cores == pytest.approx(0.5)


def test_the_log_grew_when_the_samples_say(tmp_path: Path) -> None:
    usage = _samples(
        tmp_path, "[100,0,0,0]", "[110,1,1,100]", "[120,1,1,100]", "[130,1,1,200]"
    ).read()
    assert usage.written_at(50) == 105.0
    assert usage.written_at(150) == 125.0
    assert usage.written_at(999) == 130.0
    assert usage.offset_at(105.0) == 50
    assert usage.offset_at(99.0) == 0
    assert usage.offset_at(500.0) == 200


def test_the_first_sample_is_preceded_by_the_start(tmp_path: Path) -> None:
    (tmp_path / "job.log").write_text("12345")
    sampling.write(tmp_path, 101.0, 0.5, 700, 100.25)
    sampling.write(tmp_path, 102.0, 1.5, 800, 100.25)
    assert (tmp_path / sampling.FILE).read_text() == (
        "[100.25,0,0,0]\n[101.00,0.50,700,5]\n[102.00,1.50,800,5]\n"
    )


def test_a_file_is_read_on_and_again_where_it_was_replaced(tmp_path: Path) -> None:
    path = tmp_path / "log"
    file = GrowingFile(path)
    assert list(file.lines(100)) == []
    path.write_text("one\ntw")
    assert list(file.lines(100)) == [(0, b"one")]
    with path.open("a") as more:
        more.write("o\nthree\n")
    assert list(file.lines(100)) == [(4, b"two"), (8, b"three")]
    path.write_text("x\n")
    assert list(file.lines(100)) == [(0, b"x")]
    assert file.generation == 1


def _series(
    folder: Path, text: str, *declared: dict[str, str], built_in: bool = False
) -> list[MetricSeries]:
    (folder / "job.log").write_text(text)
    definitions = metric_definitions(declared)
    return list(SeriesFile(folder / "job.log", definitions, built_in=built_in).read())


def test_declared_metrics_have_the_round_their_line_names(tmp_path: Path) -> None:
    loss = {"Name": "train:loss", "Regex": "loss=([0-9.]+)"}
    (found,) = _series(tmp_path, "epoch 2 loss=0.5 other=7\nepoch 3 loss=0.25\n", loss)
    assert (found.name, found.origin, found.counted) == ("train:loss", Origin.DECLARED, True)
    assert [(one.x, one.value) for one in found.points] == [(2.0, 0.5), (3.0, 0.25)]


def test_rounds_that_start_again_are_not_trusted(tmp_path: Path) -> None:
    loss = {"Name": "loss", "Regex": "loss=([0-9.]+)"}
    (found,) = _series(tmp_path, "step 1 loss=3\nstep 2 loss=2\nstep 1 loss=1\n", loss)
    assert not found.counted
    assert [one.x for one in found.points] == [1.0, 2.0, 3.0]


def test_xgboost_names_its_metrics_as_the_service_does(tmp_path: Path) -> None:
    text = (
        "[0]\ttrain-rmse:9.1\tvalidation-rmse:9.3\n[1]#011train-rmse:8.5#011validation-rmse:8.9\n"
    )
    train, validation = _series(tmp_path, text, built_in=True)
    assert (train.name, validation.name) == ("train:rmse", "validation:rmse")
    assert train.origin is Origin.BUILT_IN
    assert [one.value for one in validation.points] == [9.3, 8.9]
    assert [one.x for one in train.points] == [0.0, 1.0]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Epoch 1/5 - loss: 0.9 - val_loss: 0.8\nEpoch 2/5 - loss: 0.7 - val_loss: 0.75\n",
         ["loss", "val_loss"]),
        ("step=10 lr=1e-3 loss=2.5\nstep=20 lr=1e-3 loss=2.25\n", ["lr", "loss"]),
        ("listening on port: 8080\nretries: 3\n", []),
        ("epoch 1 at 12:30:01\nepoch 2 at 12:31:01\n", []),
    ],
)  # fmt: skip
def test_what_looks_like_a_metric_is_found_behind_a_counter_alone(
    tmp_path: Path, text: str, names: list[str]
) -> None:
    found = _series(tmp_path, text)
    assert [one.name for one in found] == names
    assert all(one.origin is Origin.FOUND for one in found)


def test_a_broken_or_silent_definition_leaves_no_curve(tmp_path: Path) -> None:
    assert _series(tmp_path, "epoch 1 loss=nan\n", {"Name": "x", "Regex": "nothing=(.*)"}) == []


def test_long_logs_are_thinned_and_keep_their_extremes(tmp_path: Path) -> None:
    values = [math.sin(at / 50) for at in range(20_000)]
    values[12_345] = 7.0
    text = "".join(f"epoch {at} loss={value:.6f}\n" for at, value in enumerate(values))
    loss = {"Name": "loss", "Regex": r"loss=([-0-9.]+)"}
    (found,) = _series(tmp_path, text, loss)
    assert len(found.points) <= 2 * KEPT
    assert found.count == 20_000
    assert max(one.value for one in found.points) == 7.0
    assert (found.points[0].x, found.points[-1].x) == (0.0, 19_999.0)
    assert [one.x for one in found.points] == sorted(one.x for one in found.points)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=200))
def test_thinning_keeps_order_ends_and_extremes(values: list[float]) -> None:
    points = [(None, at, value, 0) for at, value in enumerate(values)]
    kept = thinned(points)
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert [one[1] for one in kept] == sorted({one[1] for one in kept})
    assert min(one[2] for one in kept) == min(values)
    assert max(one[2] for one in kept) == max(values)


def test_points_know_when_they_were_written(tmp_path: Path) -> None:
    loss = {"Name": "loss", "Regex": "loss=([0-9.]+)"}
    usage = _samples(tmp_path, "[100,0,0,0]", "[110,1,1,14]", "[120,1,1,28]").read()
    (found,) = timed(_series(tmp_path, "epoch=1 loss=3\nepoch=2 loss=2\n", loss), usage)
    assert [one.at for one in found.points] == [100.0, pytest.approx(110.7, abs=0.1)]
    assert [one.value for one in found.until(105).points] == [3.0]


def test_the_line_at_a_moment_is_told_by_its_times_or_by_the_samples(tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    log.write_text("".join(f"2026-01-01T00:00:{at:02d}Z line\n" for at in range(30)))
    nothing = UsageFile("").read()
    began = 1_767_225_600.0
    assert line_at(FileLog(log), nothing, str(tmp_path), began + 12.5) == 12
    log.write_text("aaaa\n" * 20)
    assert line_at(FileLog(log), nothing, str(tmp_path), began) is None
    usage = _samples(tmp_path, "[100,0,0,0]", "[110,1,1,100]").read()
    assert line_at(FileLog(log), usage, str(tmp_path), 105.0) == 9
