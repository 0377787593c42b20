"""How a candidate is built: imputation, scaling, one-hot encoding and the model."""

from __future__ import annotations

from typing import Any, Mapping

from sklearn import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
    compose,
    ensemble,
    impute,
    linear_model,
    neighbors,
    pipeline,
    preprocessing,
)

from .candidates import Proposal

MOST_CATEGORIES = 50
"""Of a text column; the rarer ones share one."""

_REGRESSORS = {
    "random-forest": ensemble.RandomForestRegressor,
    "extra-trees": ensemble.ExtraTreesRegressor,
    "gradient-boosting": ensemble.HistGradientBoostingRegressor,
}
_CLASSIFIERS = {
    "random-forest": ensemble.RandomForestClassifier,
    "extra-trees": ensemble.ExtraTreesClassifier,
    "gradient-boosting": ensemble.HistGradientBoostingClassifier,
}


def build(proposal: Proposal, classifies: bool, kinds: Mapping[str, str], seed: int) -> Any:
    """An unfitted pipeline.

    Args:
        kinds: of the columns; those that are neither ``number`` nor ``text`` are left out.
    """
    numbers = pipeline.make_pipeline(
        impute.SimpleImputer(strategy="median"), preprocessing.StandardScaler()
    )
    texts = preprocessing.OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=MOST_CATEGORIES, sparse_output=False
    )
    features = compose.ColumnTransformer(
        [
            ("numbers", numbers, [name for name, kind in kinds.items() if kind == "number"]),
            ("texts", texts, [name for name, kind in kinds.items() if kind == "text"]),
        ]
    )
    return pipeline.make_pipeline(features, _model(proposal, classifies, seed))


def _model(proposal: Proposal, classifies: bool, seed: int) -> Any:
    settings = dict(proposal.settings)
    if proposal.family == "linear":
        return _linear(settings["regularization"], classifies)
    if proposal.family == "nearest-neighbors":
        near = neighbors.KNeighborsClassifier if classifies else neighbors.KNeighborsRegressor
        return near(**settings)
    if proposal.family == "xgboost":
        import xgboost  # type: ignore[import-not-found,import-untyped,unused-ignore]

        kind = xgboost.XGBClassifier if classifies else xgboost.XGBRegressor
        return kind(random_state=seed, n_jobs=1, **settings)
    kinds = _CLASSIFIERS if classifies else _REGRESSORS
    return kinds[proposal.family](random_state=seed, **settings)


def _linear(regularization: float, classifies: bool) -> Any:
    if classifies:
        return linear_model.LogisticRegression(C=1 / regularization, max_iter=1000)
    return linear_model.Ridge(alpha=regularization)
