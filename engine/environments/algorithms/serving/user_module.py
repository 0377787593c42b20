"""Script mode: a model served by the user's module, by the rules of the containers' toolkit.

``model_fn`` loads; ``input_fn``, ``predict_fn`` and ``output_fn`` answer, each with a default of
the framework's; ``transform_fn`` takes the place of these three.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Callable

from ..job import Tree
from ..script_mode.code import CodeError, place
from . import encoders
from .reply import LoadError, Reply, UnsupportedFormat, error_reply

XGBOOST = "xgboost"
DEFAULT_PROGRAM = "inference.py"
_OPT_ML = "/opt/ml"


def find(tree: Tree, family: str) -> Path | None:
    """The file of the user's module; None where there is none.

    ``SAGEMAKER_PROGRAM`` names it, in ``SAGEMAKER_SUBMIT_DIRECTORY``, ``code`` or ``model/code``.
    Without a name it is ``model/code/inference.py``, but for XGBoost, which then serves by itself.

    Raises:
        LoadError: it is named but not there.
    """
    program = os.environ.get("SAGEMAKER_PROGRAM", "")
    folders = [tree.code, tree.model / "code"]
    if not program:
        found = tree.model / "code" / DEFAULT_PROGRAM
        return found if family != XGBOOST and found.is_file() else None
    submitted = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if submitted:
        source = _inside(submitted, tree)
        try:
            folders = [source] if source.is_dir() else [_unpacked(source, tree), *folders]
        except CodeError as error:
            raise LoadError(str(error)) from error
    name = program if program.endswith(".py") else f"{program}.py"
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    looked = ", ".join(str(folder) for folder in folders)
    raise LoadError(f"There is no {name} (SAGEMAKER_PROGRAM) in {looked}")


def _unpacked(source: Path, tree: Tree) -> Path:
    place(source, tree.code)
    return tree.code


def _inside(path: str, tree: Tree) -> Path:
    """A path as a container sees it, in this job's tree."""
    if path == _OPT_ML or path.startswith(_OPT_ML + "/"):
        return Path(str(tree.root) + path[len(_OPT_ML) :])
    return Path(path)


class UserModel:
    """A model that the user's module loads and asks.

    Args:
        file: the module's.
        family: of the image, ``xgboost`` has defaults of its own.

    Raises:
        LoadError: the module lacks ``model_fn`` or has functions that exclude each other.
    """

    def __init__(self, file: Path, tree: Tree, family: str) -> None:
        sys.path.insert(0, str(file.parent))
        module = importlib.import_module(file.stem)
        given = [_function(module, name) for name in ("input_fn", "predict_fn", "output_fn")]
        self._transform = _function(module, "transform_fn")
        if self._transform and any(given):
            raise LoadError(
                "Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn"
            )
        self._input = given[0] or _default_input(family)
        self._predict = given[1] or _default_predict(family)
        self._output = given[2]
        self._parameters = _function(module, "execution_parameters_fn")
        load = _function(module, "model_fn")
        if load is None:
            raise LoadError("Please provide a model_fn implementation.")
        self._model = load(str(tree.model))

    def execution_parameters(self) -> dict[str, Any] | None:
        """See `Model.execution_parameters`."""
        return dict(self._parameters()) if self._parameters else None

    def invoke(self, body: bytes, content_type: str, accept: str) -> Reply:
        """See `Model.invoke`."""
        content_type = content_type.partition(";")[0].strip() or encoders.JSON
        if accept in ("", "*/*"):
            accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", encoders.JSON)
        content = body.decode("utf-8") if content_type in encoders.TEXT_TYPES else body
        if self._transform:
            return _reply(self._transform(self._model, content, content_type, accept), accept)
        try:
            data = self._input(content, content_type)
        except UnsupportedFormat as error:
            return error_reply(415, error)
        prediction = self._predict(data, self._model)
        if self._output:
            return _reply(self._output(prediction, accept), accept)
        try:
            return Reply(200, encoders.encode(prediction, accept), accept)
        except UnsupportedFormat as error:
            return error_reply(406, error)


def _function(module: ModuleType, name: str) -> Callable[..., Any] | None:
    return getattr(module, name, None)


def _reply(result: Any, accept: str) -> Reply:
    """What a user's function returns: a body, one with its type, or a web framework's response."""
    status = 200
    if isinstance(result, tuple):
        result, accept = result
    elif hasattr(result, "get_data"):
        status, accept, result = result.status_code, result.mimetype or accept, result.get_data()
    if isinstance(result, str):
        result = result.encode("utf-8")
    if not isinstance(result, (bytes, bytearray)):
        result = encoders.encode(result, accept)
    return Reply(status, bytes(result), accept)


def _default_input(family: str) -> Callable[..., Any]:
    if family != XGBOOST:
        return encoders.decode
    from .xgboost_data import matrix  # the library is there only in its own environment

    return matrix


def _default_predict(family: str) -> Callable[..., Any]:
    if family == XGBOOST:
        return lambda data, model: model.predict(data, validate_features=False)
    return lambda data, model: model.predict(data)
