"""ClarifyCheck steps in environments with smclarify and shap, built once on a machine."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.model.status import StepStatus
from engine.model.views import StepView
from engine.serving.endpoints import list_endpoints
from tests.engine.embedded import Embedded, definition
from tests.engine.serving import container, model_step, pack_model
from tests.environments import shared_environments
from tests.shared import SHARED, needs_shared
from tests.unit.checks import fairness

pytestmark = pytest.mark.environments

CLARIFY = "205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0"
REAL = SHARED / "data" / "checks" / "clarify_check_step"
FIRST = {"SkipCheck": True, "RegisterNewBaseline": True}
BASELINE = "s3://base/analysis.json"


@pytest.fixture
def embedded(tmp_path: Path) -> Embedded:
    engine = Embedded(tmp_path)
    shared_environments(engine.home)
    return engine


def clarify_check(check_type: str, **keys: Any) -> dict[str, Any]:
    """A check of ``s3://data/rows.csv`` by ``s3://data/analysis_config.json``."""
    environment = keys.pop("environment", {})

    def entry(name: str, uri: str, folder: str) -> dict[str, Any]:
        path = f"/opt/ml/processing/input/{folder}"
        return {"InputName": name, "S3Input": {"S3Uri": uri, "LocalPath": path}}

    output = {"S3Uri": "s3://out", "LocalPath": "/opt/ml/processing/output"}
    return {
        "Name": "Check",
        "Type": "ClarifyCheck",
        "Arguments": {
            "AppSpecification": {"ImageUri": CLARIFY},
            "ProcessingInputs": [
                entry("analysis_config", "s3://data/analysis_config.json", "config"),
                entry("dataset", "s3://data/rows.csv", "data"),
            ],
            "ProcessingOutputConfig": {
                "Outputs": [{"OutputName": "analysis_result", "S3Output": output}]
            },
            "Environment": environment,
        },
        "CheckType": check_type,
        "SkipCheck": False,
        "RegisterNewBaseline": False,
        "SuppliedBaselineConstraints": None,
        **keys,
    }


async def run(
    embedded: Embedded, check_type: str, config: Mapping[str, Any], rows: str, **keys: Any
) -> StepView:
    embedded.put("s3://data/analysis_config.json", json.dumps(config))
    embedded.put("s3://data/rows.csv", rows)
    state = await embedded.run(definition(clarify_check(check_type, **keys)))
    return state.steps["Check"]


def analysis(embedded: Embedded, step: StepView) -> Any:
    assert step.status is StepStatus.SUCCEEDED, step.failure_reason + embedded.log(step)
    return json.loads(embedded.get("s3://out/analysis.json"))


def csv_text(rows: Sequence[Sequence[Any]]) -> str:
    return "".join(",".join(str(cell) for cell in row) + "\n" for row in rows)


def metrics(section: Any, facet: str) -> dict[str, Any]:
    (entry,) = section["facets"][facet]
    return {metric["name"]: metric["value"] for metric in entry["metrics"]}


REAL_CONFIG = {
    "dataset_type": "text/csv",
    "headers": ["Label", "F1", "F2", "F3", "F4"],
    "label": "Label",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "F1", "value_or_threshold": [0.5]}],
    "group_variable": "F2",
    "methods": {"pre_training_bias": {"methods": "all"}, "report": {"name": "report"}},
}


@needs_shared
async def test_a_real_analysis_is_reproduced_digit_for_digit(embedded: Embedded) -> None:
    good = (REAL / "data_bias" / "good_cases" / "analysis.json").read_text()
    embedded.put(BASELINE, good)
    rows = (REAL / "dataset.csv").read_text()
    step = await run(embedded, "DATA_BIAS", REAL_CONFIG, rows, SuppliedBaselineConstraints=BASELINE)
    assert json.dumps(analysis(embedded, step)) == json.dumps(json.loads(good))
    assert step.properties == {
        "CalculatedBaselineConstraints": "s3://out/analysis.json",
        "BaselineUsedForDriftCheckConstraints": BASELINE,
    }
    assert json.loads(embedded.get("s3://out/constraint_violations.json"))["violations"] == []


@needs_shared
async def test_a_stricter_baseline_fails_the_check(embedded: Embedded) -> None:
    bad = (REAL / "data_bias" / "bad_cases" / "analysis.json").read_text()
    embedded.put(BASELINE, bad)
    rows = (REAL / "dataset.csv").read_text()
    step = await run(embedded, "DATA_BIAS", REAL_CONFIG, rows, SuppliedBaselineConstraints=BASELINE)
    report = "s3://out/constraint_violations.json"
    assert step.failure_reason == (
        f"ClientError: Clarify check failed. See violation report {report}"
    )
    assert step.metadata["ClarifyCheck"]["ViolationReport"] == report
    found = json.loads(embedded.get(report))
    assert found["version"] == "1.0"
    assert [one["metric_name"] for one in found["violations"]] == ["KS"]


# Graduate admissions at Berkeley, autumn 1973: department, applicants and admitted of either sex
# (Bickel, Hammel, O'Connell 1975; Freedman, Pisani, Purves, Statistics; UCBAdmissions in R).
BERKELEY = [
    ("A", 825, 512, 108, 89),
    ("B", 560, 353, 25, 17),
    ("C", 325, 120, 593, 202),
    ("D", 417, 138, 375, 131),
    ("E", 191, 53, 393, 94),
    ("F", 373, 22, 341, 24),
]


async def test_bias_of_a_published_example_is_what_a_hand_computes(embedded: Embedded) -> None:
    rows = [
        (int(number < admitted), sex, department)
        for department, men, men_in, women, women_in in BERKELEY
        for sex, applied, admitted in (("m", men, men_in), ("f", women, women_in))
        for number in range(applied)
    ]
    config = {
        "headers": ["admitted", "sex", "department"],
        "label": "admitted",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "sex", "value_or_threshold": ["f"]}],
        "group_variable": "department",
        "methods": {"pre_training_bias": {"methods": "all"}},
    }
    step = await run(embedded, "DATA_BIAS", config, csv_text(rows), **FIRST)
    found = metrics(analysis(embedded, step)["pre_training_bias_metrics"], "sex")
    assert found["CI"] == pytest.approx((2691 - 1835) / 4526)
    assert found["DPL"] == pytest.approx(1198 / 2691 - 557 / 1835)
    assert [found["KS"], found["TVD"]] == pytest.approx([found["DPL"]] * 2)
    # by department: women among the rejected, less women among the admitted
    disparities = [
        (933, 19 / 332 - 89 / 601), (585, 8 / 215 - 17 / 370), (918, 391 / 596 - 202 / 322),
        (792, 244 / 523 - 131 / 269), (584, 299 / 437 - 94 / 147), (714, 317 / 668 - 24 / 46),
    ]  # fmt: skip
    by_hand = sum(size * disparity for size, disparity in disparities) / 4526
    assert found["CDDL"] == pytest.approx(by_hand)
    # the paradox: women are rejected more often overall, and less often within departments
    assert found["DPL"] > 0.14 and found["CDDL"] < 0.0


# Broward County, 2013 and 2014: who reoffended, by whom COMPAS had scored high or low
# (Larson, Mattu, Kirchner, Angwin, How We Analyzed the COMPAS Recidivism Algorithm, ProPublica
# 2016): race, and how many of each were scored low, high without; low, high with reoffending.
COMPAS = [("white", 1139, 349, 461, 505), ("black", 990, 805, 532, 1369)]


async def test_bias_of_published_predictions_is_what_a_hand_computes(embedded: Embedded) -> None:
    # a low score, and no crime after it, are what is good for a defendant
    rows = [
        (good, low, race)
        for race, *counts in COMPAS
        for (good, low), count in zip(((1, 1), (1, 0), (0, 1), (0, 0)), counts, strict=True)
        for _ in range(count)
    ]
    config = {
        "headers": ["good", "low", "race"],
        "label": "good",
        "predicted_label": "low",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "race", "value_or_threshold": ["black"]}],
        "methods": {"post_training_bias": {"methods": [
            "AD", "DAR", "DCA", "DCR", "DI", "DPPL", "DRR", "RD", "SD", "TE"
        ]}},
    }  # fmt: skip
    step = await run(embedded, "MODEL_BIAS", config, csv_text(rows), **FIRST)
    found = metrics(analysis(embedded, step)["post_training_bias_metrics"], "race")
    # white: 2454, of whom 1488 good, 1600 low; black: 3696, of whom 1795 good, 1522 low
    assert found == pytest.approx({
        "AD": 1644 / 2454 - 2359 / 3696,
        "DAR": 1139 / 1600 - 990 / 1522,
        "DCA": 1488 / 1600 - 1795 / 1522,
        "DCR": 1901 / 2174 - 966 / 854,
        "DI": (1522 / 3696) / (1600 / 2454),
        "DPPL": 1600 / 2454 - 1522 / 3696,
        "DRR": 1369 / 2174 - 505 / 854,
        "RD": 1139 / 1488 - 990 / 1795,
        "SD": 1369 / 1901 - 505 / 966,
        "TE": 805 / 532 - 349 / 461,
    })  # fmt: skip
    # the article's rates, in percent: false positives 44.85 and 23.45, false negatives 27.99, 47.72
    assert found["RD"] == pytest.approx(0.4485 - 0.2345, abs=1e-4)
    assert found["SD"] == pytest.approx(0.4772 - 0.2799, abs=1e-4)


def random_rows(count: int, seed: int) -> list[tuple[int, int, str, str, int]]:
    """Label, prediction, facet, group and a number that means nothing."""
    chance = random.Random(seed)
    return [
        (
            int(chance.random() < 0.6),
            int(chance.random() < 0.5),
            chance.choice("aad"),
            chance.choice("xyz"),
            chance.randrange(100),
        )
        for _ in range(count)
    ]


async def test_all_metrics_agree_with_their_published_formulas(embedded: Embedded) -> None:
    rows = random_rows(400, 7)
    config = {
        "headers": ["y", "p", "facet", "group", "number"],
        "label": "y",
        "predicted_label": "p",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "facet", "value_or_threshold": ["d"]}],
        "group_variable": "group",
        "methods": {
            "pre_training_bias": {"methods": "all"},
            "post_training_bias": {"methods": "all"},
        },
    }
    step = await run(embedded, "MODEL_BIAS", config, csv_text(rows), **FIRST)
    found = analysis(embedded, step)
    plain = [(facet == "d", y == 1, p == 1, group) for y, p, facet, group, _ in rows]
    before = metrics(found["pre_training_bias_metrics"], "facet")
    assert before == pytest.approx(fairness.before_training(plain))
    after = metrics(found["post_training_bias_metrics"], "facet")
    assert after.pop("FT") is None, "the group is text, which the flip test cannot use"
    assert after == pytest.approx(fairness.after_training(plain))


async def test_the_flip_test_asks_the_nearest_of_the_other_facet(embedded: Embedded) -> None:
    # label, prediction, facet, number: among a the prediction is 1 where the number is 10
    favoured = [(1, int(number > 5), "a", number) for number in (0, 10) for _ in range(200)]
    others = [(1, 0, "d", 10)] * 30 + [(1, 1, "d", 0)] * 10 + [(0, 0, "d", 0)] * 60
    config = {
        "headers": ["y", "p", "facet", "number"],
        "label": "y",
        "predicted_label": "p",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "facet", "value_or_threshold": ["d"]}],
        "methods": {"post_training_bias": {"methods": ["FT"]}},
    }
    step = await run(embedded, "MODEL_BIAS", config, csv_text([*favoured, *others]), **FIRST)
    after = metrics(analysis(embedded, step)["post_training_bias_metrics"], "facet")
    # smclarify counts flips from what the neighbours have to what the model says.
    assert after == {"FT": pytest.approx((10 - 30) / 100)}


class _LinearModel(BaseHTTPRequestHandler):
    """Answers a CSV line of numbers with 3 x0 - 2 x1 + 1; refuses text."""

    def do_POST(self) -> None:
        lines = self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines()
        scores = []
        for line in lines:
            first, second, *_ = map(float, line.split(","))
            scores.append(3 * first - 2 * second + 1)
        body = "".join(f"{score}\n" for score in scores).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def serving(model: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A model server; gives the URL of its invocations."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), model)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/invocations"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def predictor() -> Iterator[dict[str, str]]:
    """The variables that name a server of the linear model to the job."""
    with serving(_LinearModel) as url:
        yield {"PIPETUI_PREDICTOR_URL": url}


NUMBERS = [(number % 2, number / 10, (number * 7 % 10) / 10, 0.5) for number in range(20)]
EXPLAIN = {
    "headers": ["y", "a", "b", "c"],
    "label": "y",
    "predictor": {"content_type": "text/csv", "accept_type": "text/csv"},
    "methods": {
        "shap": {"baseline": [[0.0, 0.0, 0.0]], "num_samples": 100, "agg_method": "mean_abs"},
        "pdp": {"features": ["a"], "grid_resolution": 5},
    },
}


async def test_shap_of_a_linear_model_is_exact(
    embedded: Embedded, predictor: dict[str, str]
) -> None:
    step = await run(
        embedded, "MODEL_EXPLAINABILITY", EXPLAIN, csv_text(NUMBERS), environment=predictor, **FIRST
    )
    found = analysis(embedded, step)["explanations"]
    shap = found["kernel_shap"]["label0"]
    assert shap["expected_value"] == pytest.approx(1.0)
    mean = {name: sum(row[index] for row in NUMBERS) / 20 for index, name in enumerate("yab")}
    assert shap["global_shap_values"] == pytest.approx(
        {"a": 3 * mean["a"], "b": 2 * mean["b"], "c": 0.0}, abs=1e-9
    )
    local = embedded.get("s3://out/explanations_shap/out.csv").splitlines()
    assert local[0] == "a_label0,b_label0,c_label0"
    assert len(local) == 21
    baseline = embedded.get("s3://out/explanations_shap/baseline.csv").splitlines()
    assert baseline == ["a,b,c", "0.0,0.0,0.0"]
    (pdp,) = found["pdp"]
    assert pdp["feature_values"] == pytest.approx([0.19, 0.57, 0.95, 1.33, 1.71])
    expected = [3 * value - 2 * mean["b"] + 1 for value in pdp["feature_values"]]
    assert pdp["model_predictions"] == [pytest.approx(expected)]
    assert sum(pdp["data_distribution"]) == pytest.approx(1)


async def test_attributions_that_moved_fail_the_check(
    embedded: Embedded, predictor: dict[str, str]
) -> None:
    before = {"label0": {"global_shap_values": {"a": 0.1, "b": 0.2, "c": 0.9}}}
    embedded.put(BASELINE, json.dumps({"version": "1.0", "explanations": {"kernel_shap": before}}))
    config = {**EXPLAIN, "methods": {"shap": EXPLAIN["methods"]["shap"]}}  # type: ignore[index]
    step = await run(
        embedded, "MODEL_EXPLAINABILITY", config, csv_text(NUMBERS), environment=predictor,
        SuppliedBaselineConstraints=BASELINE,
    )  # fmt: skip
    assert step.failure_code == "check-violated"
    (violation,) = json.loads(embedded.get("s3://out/constraint_violations.json"))["violations"]
    assert violation["constraint_check_type"] == "feature_attribution_drift_check"


async def test_a_model_is_asked_for_predictions_that_the_data_lacks(
    embedded: Embedded, predictor: dict[str, str]
) -> None:
    config = {
        "headers": ["y", "a", "b", "c"],
        "label": "y",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "b", "value_or_threshold": [0.45]}],
        "predictor": {"content_type": "text/csv"},
        "probability_threshold": 2.0,
        "methods": {"post_training_bias": {"methods": ["DPPL"]}},
    }
    # smclarify takes labels for thresholds where 5 % of the rows or more differ
    rows = csv_text(NUMBERS * 3)
    step = await run(embedded, "MODEL_BIAS", config, rows, environment=predictor, **FIRST)
    found = metrics(analysis(embedded, step)["post_training_bias_metrics"], "b")
    accepted = {facet: [3 * a - 2 * b + 1 > 2.0 for _, a, b, _ in NUMBERS if (b > 0.45) is facet]
                for facet in (False, True)}  # fmt: skip
    rates = {facet: sum(one) / len(one) for facet, one in accepted.items()}
    assert found == {"DPPL": pytest.approx(rates[False] - rates[True])}


LINEAR = """
def model_fn(folder):
    return None
def input_fn(body, content_type):
    return [[float(cell) for cell in line.split(",")] for line in body.splitlines()]
def predict_fn(rows, model):
    return [3 * a - 2 * b + 1 for a, b, _ in rows]
def output_fn(values, accept):
    return "".join(f"{value}\\n" for value in values), accept
"""


async def test_the_model_of_a_model_step_is_served_for_as_long_as_the_check_runs(
    embedded: Embedded,
) -> None:
    embedded.put("s3://data/analysis_config.json", json.dumps(EXPLAIN))
    embedded.put("s3://data/rows.csv", csv_text(NUMBERS))
    data = pack_model(embedded.home, "s3://data/model.tar.gz", LINEAR)
    check = clarify_check(
        "MODEL_EXPLAINABILITY", ModelName={"Get": "Steps.Linear.ModelName"}, **FIRST
    )
    model = model_step("Linear", container(data, SAGEMAKER_PROGRAM="inference.py"))
    state = await embedded.run(definition(model, check))
    step = state.steps[check["Name"]]
    assert step.status is StepStatus.SUCCEEDED, step.failure_reason
    shap = analysis(embedded, step)["explanations"]["kernel_shap"]["label0"]
    assert shap["expected_value"] == pytest.approx(1.0)
    assert list_endpoints(embedded.home.root) == []


class _ColourModel(BaseHTTPRequestHandler):
    """Answers JSON lines with the probabilities of two labels: red things are good."""

    def do_POST(self) -> None:
        lines = self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines()
        answers = []
        for line in lines:
            colour, size = json.loads(line)["instance"]
            good = 0.5 + 0.4 * (colour == "red") + 0.0 * size
            answers.append(json.dumps({"out": {"p": [1 - good, good]}}) + "\n")
        body = "".join(answers).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


async def test_text_features_and_json_lines_are_explained_per_label(embedded: Embedded) -> None:
    rows = [{"x": ["red" if number % 3 else "blue", number], "y": 1} for number in range(30)]
    config = {
        "dataset_type": "application/jsonlines",
        "features": "x",
        "label": "y",
        "headers": ["colour", "size"],
        "predictor": {
            "content_type": "application/jsonlines",
            "accept_type": "application/jsonlines",
            "content_template": '{"instance": $features}',
            "probability": "out.p",
            "label_headers": ["bad", "good"],
        },
        "methods": {"shap": {"num_clusters": 3, "num_samples": 50}, "pdp": {"top_k_features": 1}},
    }
    with serving(_ColourModel) as url:
        step = await run(
            embedded,
            "MODEL_EXPLAINABILITY",
            config,
            "".join(json.dumps(row) + "\n" for row in rows),
            environment={"PIPETUI_PREDICTOR_URL": url},
            **FIRST,
        )
    found = analysis(embedded, step)["explanations"]
    good, bad = found["kernel_shap"]["good"], found["kernel_shap"]["bad"]
    assert good["global_shap_values"] == pytest.approx(bad["global_shap_values"])
    assert good["global_shap_values"]["colour"] > 0.1
    assert good["global_shap_values"]["size"] == pytest.approx(0, abs=1e-6)
    assert good["expected_value"] + bad["expected_value"] == pytest.approx(1)
    (pdp,) = found["pdp"]
    assert (pdp["feature_name"], pdp["data_type"]) == ("colour", "categorical")
    assert pdp["feature_values"] == ["red", "blue"]
    assert pdp["model_predictions"] == [pytest.approx([0.1, 0.5]), pytest.approx([0.9, 0.5])]
    assert pdp["data_distribution"] == pytest.approx([2 / 3, 1 / 3])
    header = embedded.get("s3://out/explanations_shap/out.csv").splitlines()[0]
    assert header == "colour_bad,size_bad,colour_good,size_good"


async def test_without_a_model_server_the_reason_names_the_way_out(embedded: Embedded) -> None:
    step = await run(embedded, "MODEL_EXPLAINABILITY", EXPLAIN, csv_text(NUMBERS), **FIRST)
    assert step.status is StepStatus.FAILED
    assert "the job has no model server" in step.failure_reason
    assert "predicted_label" in step.failure_reason
