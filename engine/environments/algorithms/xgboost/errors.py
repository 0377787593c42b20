"""The two ways in which training fails, named as the algorithm's own log names them."""

from __future__ import annotations


class UserError(Exception):
    """The data, channels or hyperparameters are wrong; the user can put it right."""


class AlgorithmError(Exception):
    """Training itself failed."""


# Texts of the library that tell of the user's data rather than of a fault in training.
CUSTOMER_ERRORS = (
    "label must be in [0,1] for logistic regression",
    "label must be in (0, 1)",
    "label must be in [0, num_class)",
    "Target is multiclass but average='binary'",
    "feature_names mismatch",
    "Check failed: preds.size() == info.labels_.size()",
    "AUC: the dataset only contains pos or neg samples",
    "base_score must be in (0,1)",
    "PoissonRegression: label must be nonnegative",
    "TweedieRegression: label must be nonnegative",
    "Parameter reg_lambda should be greater equal to 0",
)


def training_error(error: Exception) -> Exception:
    """A failure of the library as one of the two kinds."""
    text = str(error).partition("\nStack trace:")[0]
    if any(known in text for known in CUSTOMER_ERRORS):
        return UserError(text)
    return AlgorithmError(f"XGB train call failed with exception:\n {text}")
