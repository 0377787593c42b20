"""What is inside the AWS images, and the pins that install beside each Python. Data only.

A row of the table says which libraries an image of one version holds (``inside``) and, per
interpreter, the requirements that come closest to it from wheels alone. numpy and scipy are always
pinned: an old scikit-learn with a newer numpy dies at import.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.environments.image import Family

Minor = tuple[int, int]
"""A Python version, such as ``(3, 11)``."""

# What scripts in these images import without asking: the containers bring both.
COMMON = ("boto3==1.35.99", "requests==2.32.3")


@dataclass(frozen=True, slots=True)
class Row:
    """One or more image versions that hold the same libraries.

    Attributes:
        versions: tag versions, such as ``1.7-1``.
        lead: the library the image is named after; closeness is measured by it.
        inside: library to version, as the image has them.
        pins: Python version to the requirements that install there.
        partial: ``inside`` leaves much out, so that pins are never called exact.
    """

    versions: tuple[str, ...]
    lead: str
    inside: Mapping[str, str]
    pins: Mapping[Minor, tuple[str, ...]]
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A version border across which results or code differ.

    Attributes:
        library, border: crossed where the image is below the border and the pins are not.
        note: what differs, for a person.
        lead, lead_below: where given, only images of that library below that version.
        breaks: ordinary use fails, so the match is a far one however close the versions are.
    """

    library: str
    border: str
    note: str
    lead: str = ""
    lead_below: str = ""
    breaks: bool = False


def _set(text: str) -> tuple[str, ...]:
    """``"numpy 1.23.5, scipy 1.9.3"`` as requirements."""
    return tuple("==".join(item.split()) for item in text.split(","))


def _libraries(text: str) -> dict[str, str]:
    pairs = (item.split() for item in text.split(","))
    return {library: version for library, version in pairs}


_SK_1_1 = _set(
    "scikit-learn 1.1.3, numpy 1.23.5, scipy 1.9.3, pandas 1.5.3, joblib 1.2.0,"
    " python-dateutil 2.8.2"
)
_SK_1_3 = _set("scikit-learn 1.3.2, numpy 1.26.4, scipy 1.11.4, pandas 2.1.4, joblib 1.3.2")
_SK_1_5 = _set("scikit-learn 1.5.2, numpy 2.1.0, scipy 1.14.1, pandas 2.2.3, pyarrow 18.1.0")
_OLD_SCIPY = _set("numpy 1.19.2, scipy 1.5.3, pandas 1.1.3")
_SK_1_2 = _set(
    "scikit-learn 1.2.1, numpy 1.24.1, scipy 1.9.3, pandas 1.5.3, joblib 1.2.0,"
    " python-dateutil 2.8.2"
)
_SK_1_4 = _set("scikit-learn 1.4.2, numpy 2.1.0, scipy 1.14.1, pandas 2.3.2, pyarrow 17.0.0")
_SK_1_9 = "scikit-learn 1.9.0, pandas 2.2.3, pyarrow 25.0.0"

SCIKIT_LEARN = (
    Row(
        ("0.20.0",),
        "scikit-learn",
        _libraries("scikit-learn 0.20.0, pandas 0.25.0"),
        {(3, 11): _SK_1_1, (3, 12): _SK_1_3, (3, 13): _SK_1_5},
    ),
    Row(
        ("0.23-1",),
        "scikit-learn",
        _libraries("scikit-learn 0.23.2, numpy 1.19.2, scipy 1.5.3, pandas 1.1.3"),
        {
            (3, 8): ("scikit-learn==0.23.2", *_OLD_SCIPY),
            (3, 9): _SK_1_1,
            (3, 12): _SK_1_3,
            (3, 13): _SK_1_5,
        },
    ),
    Row(
        ("1.0-1",),
        "scikit-learn",
        _libraries("scikit-learn 1.0.2, numpy 1.19.2, scipy 1.5.3, pandas 1.1.3"),
        {
            (3, 8): ("scikit-learn==1.0.2", *_OLD_SCIPY),
            (3, 9): _SK_1_1,
            (3, 12): _SK_1_3,
            (3, 13): _SK_1_5,
        },
    ),
    Row(
        ("1.2-1",),
        "scikit-learn",
        _libraries("scikit-learn 1.2.1, numpy 1.24.1, scipy 1.9.3, pandas 1.5.3"),
        {(3, 8): _SK_1_2, (3, 12): _SK_1_3, (3, 13): _SK_1_5},
    ),
    Row(
        ("1.4-2",),
        "scikit-learn",
        _libraries("scikit-learn 1.4.2, numpy 2.1.0, pyarrow 17.0.0"),
        {(3, 10): _SK_1_4, (3, 13): _SK_1_5},
    ),
    Row(
        ("1.9-0",),
        "scikit-learn",
        _libraries("scikit-learn 1.9.0, numpy 2.5.1, scipy 1.18.0, pandas 2.2.3, pyarrow 25.0.0"),
        {
            (3, 11): _set(f"{_SK_1_9}, numpy 2.4.6"),
            (3, 12): _set(f"{_SK_1_9}, numpy 2.5.1, scipy 1.18.0"),
        },
    ),
)


def _old_xgboost(xgboost: str, *extra: str) -> dict[Minor, tuple[str, ...]]:
    """An xgboost of 0.90 to 1.7 with the oldest companions each interpreter has wheels for."""
    lead = f"xgboost=={xgboost}"
    return {
        (3, 11): (lead, *_SK_1_1, *extra),
        (3, 12): (lead, *_SK_1_3, *extra),
        (3, 13): (lead, *_SK_1_5, *extra),
    }


_XGB_1_5 = _set(
    "xgboost 1.5.2, scikit-learn 1.1.3, numpy 1.24.4, scipy 1.9.3, pandas 1.5.3, joblib 1.2.0,"
    " python-dateutil 2.8.2"
)
_XGB_1_7 = _set(
    "xgboost 1.7.4, scikit-learn 1.1.3, numpy 1.24.1, scipy 1.9.3, pandas 1.5.3, joblib 1.2.0,"
    " python-dateutil 2.8.2"
)
_XGB_3_0 = "numpy 2.1.0, scipy 1.15.0, pandas 2.2.3, pyarrow 22.0.0"
# xgboost 1.5 looks for pkg_resources, which newer setuptools no longer have
_PKG_RESOURCES = "setuptools<81"

XGBOOST = (
    Row(
        ("1", "latest", "0.72"),
        "xgboost",
        _libraries("xgboost 0.72"),
        _old_xgboost("0.90"),
    ),
    Row(
        ("0.90-1", "0.90-2"),
        "xgboost",
        _libraries("xgboost 0.90, scikit-learn 0.24.1, pandas 1.1.3, scipy 1.2.2"),
        _old_xgboost("0.90"),
    ),
    Row(
        ("1.0-1",),
        "xgboost",
        _libraries("xgboost 1.0.0, scikit-learn 0.24.1, pandas 1.1.3, scipy 1.2.2"),
        _old_xgboost("1.0.2"),
    ),
    Row(
        ("1.2-1", "1.2-2"),
        "xgboost",
        _libraries("xgboost 1.2.0, scikit-learn 0.23.2, numpy 1.21.6, pandas 1.1.3"),
        _old_xgboost("1.2.0"),
    ),
    Row(
        ("1.3-1",),
        "xgboost",
        _libraries("xgboost 1.3.3, scikit-learn 0.24.1, numpy 1.21.6, pandas 1.2.4"),
        _old_xgboost("1.3.3"),
    ),
    Row(
        ("1.5-1",),
        "xgboost",
        _libraries("xgboost 1.5.2, scikit-learn 0.24.1, numpy 1.24.4, scipy 1.8.0, pandas 1.5.3"),
        _old_xgboost("1.5.2", _PKG_RESOURCES) | {(3, 11): (*_XGB_1_5, _PKG_RESOURCES)},
    ),
    Row(
        ("1.7-1",),
        "xgboost",
        _libraries("xgboost 1.7.4, scikit-learn 0.24.1, numpy 1.24.1, scipy 1.8.0, pandas 1.2.4"),
        _old_xgboost("1.7.4")
        | {
            (3, 9): _set(
                "xgboost 1.7.4, scikit-learn 0.24.1, numpy 1.24.1, scipy 1.8.0, pandas 1.2.4"
            ),
            (3, 10): _XGB_1_7,
            (3, 11): _XGB_1_7,
        },
    ),
    Row(
        ("3.0-5",),
        "xgboost",
        _libraries(f"xgboost 3.0.5, scikit-learn 1.5.2, {_XGB_3_0}"),
        {(3, 10): _set(f"xgboost-cpu 3.0.5, scikit-learn 1.5.2, {_XGB_3_0}")},
    ),
    Row(
        ("3.2-0",),
        "xgboost",
        _libraries(f"xgboost 3.2.0, scikit-learn 1.8.0, {_XGB_3_0}"),
        {(3, 11): _set(f"xgboost-cpu 3.2.0, scikit-learn 1.8.0, {_XGB_3_0}")},
    ),
)

DISTRIBUTION = (
    Row(
        ("1",),
        "scikit-learn",
        _libraries("scikit-learn 1.4.2, xgboost 1.7.6"),
        {
            (3, 10): _set(
                "scikit-learn 1.4.2, xgboost 1.7.6, numpy 1.26.4, scipy 1.11.4, pandas 2.1.4"
            ),
            (3, 13): (*_SK_1_5, "xgboost==1.7.6"),
        },
        partial=True,
    ),
    Row(
        ("2",),
        "scikit-learn",
        _libraries("scikit-learn 1.5.2"),
        {
            (3, 11): _set(
                "scikit-learn 1.5.2, xgboost-cpu 2.1.4, numpy 1.26.4, scipy 1.14.1, pandas 2.2.3"
            ),
            (3, 13): (*_SK_1_5, "xgboost-cpu==2.1.4"),
        },
        partial=True,
    ),
    Row(
        ("3",),
        "scikit-learn",
        _libraries(
            "scikit-learn 1.6.1, numpy 1.26.4, scipy 1.15.2, pandas 2.2.3, xgboost 2.1.4,"
            " torch 2.6.0"
        ),
        {
            (3, 11): _set(
                "scikit-learn 1.6.1, xgboost-cpu 2.1.4, numpy 1.26.4, scipy 1.15.2, pandas 2.2.3"
            ),
            (3, 13): _set(
                "scikit-learn 1.6.1, xgboost-cpu 2.1.4, numpy 2.1.0, scipy 1.15.2, pandas 2.2.3"
            ),
        },
        partial=True,
    ),
)

TABLE: Mapping[Family, tuple[Row, ...]] = {
    Family.SCIKIT_LEARN: SCIKIT_LEARN,
    Family.XGBOOST: XGBOOST,
    Family.DISTRIBUTION: DISTRIBUTION,
}

CHANGES = (
    Change(
        "pandas",
        "2.0",
        "get_dummies gives True/False instead of 0/1; XGBoost reads such CSV cells as missing or 0",
    ),
    Change(
        "pandas",
        "2.0",
        "xgboost.DMatrix(DataFrame) fails: this xgboost needs a class that pandas 2 dropped",
        lead="xgboost",
        lead_below="1.6",
        breaks=True,
    ),
    Change(
        "numpy",
        "2.0",
        "numbers print as np.float64(1.5); a metric regular expression may not match them",
    ),
    Change(
        "scikit-learn",
        "1.2",
        "load_boston and plot_confusion_matrix are gone",
    ),
    Change(
        "scikit-learn",
        "1.3",
        "models pickled by the image do not load: trees and forests changed their format",
    ),
    Change(
        "scikit-learn",
        "1.4",
        "OneHotEncoder(sparse=) is gone; use sparse_output",
    ),
    Change(
        "xgboost",
        "1.3",
        "the default metric of binary:logistic is logloss, not error",
    ),
)

NOT_RUNNABLE: Mapping[Family, str] = {
    Family.BUILT_IN: "this built-in algorithm is closed source and exists only on AWS",
    Family.MODEL_MONITOR: "the Model Monitor analyzer is closed source and exists only on AWS",
    Family.CLARIFY: "the Clarify container is closed source and exists only on AWS",
    Family.DATA_WRANGLER: "the Data Wrangler container is closed source and exists only on AWS",
    Family.DEBUGGER: "the Debugger rules container is closed source and exists only on AWS",
    Family.SERVING_ONLY: "this image holds software that is no Python package",
}
