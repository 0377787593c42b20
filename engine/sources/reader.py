"""Executions of a home for whoever asks once: synchronous, without an event loop."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import CommandRejected, NotFound
from engine.home import Home
from engine.model.events import Event
from engine.model.pipelines import PipelineView
from engine.model.status import EXECUTION_ENDED
from engine.model.views import ExecutionView, ModelPackageView, StepView
from engine.store import queries
from engine.store.connection import connect

if TYPE_CHECKING:
    from engine.definition.document import OutputParameter
    from engine.logs.base import LogSource


class LocalReader:
    """What a home's store says, read-only.

    Args:
        home: prepared; an empty store is made where there is none.

    Errors: ``StoreError`` where the store cannot be opened.
    """

    def __init__(self, home: Home) -> None:
        if not home.database.exists():
            connect(home.database).close()
        self._db = connect(home.database, read_only=True)

    def close(self) -> None:
        """Give back the store."""
        self._db.close()

    def executions(self, limit: int = 200, pipeline: str = "") -> list[ExecutionView]:
        """Executions, newest first."""
        return queries.executions(self._db, limit, 0.0, pipeline)

    def execution(self, text: str) -> ExecutionView:
        """The execution that an id, a unique prefix, an ARN or ``[PIPELINE]@last`` names.

        Errors: ``NotFound``, ``CommandRejected`` where several match.
        """
        return queries.execution(self._db, queries.find_execution(self._db, text))

    def steps(self, execution_id: str, after: int = 0) -> list[StepView]:
        """Steps that changed after event ``after``, in the definition's order."""
        return queries.steps(self._db, execution_id, after)

    def step(self, execution_id: str, name: str) -> StepView:
        """One step. Errors: ``NotFound`` that names the steps there are."""
        steps = self.steps(execution_id)
        for step in steps:
            if step.name == name:
                return step
        names = [step.name for step in steps]
        close = get_close_matches(name, names, 1)
        raise NotFound(
            f"execution {execution_id} has no step {name!r}",
            code="step-not-found",
            hint=f"Did you mean {close[0]}?" if close else f"It has {', '.join(names[:12])}.",
        )

    def usage(self, step: StepView) -> dict[str, float]:
        """What the step's current attempt took of the host; empty where nobody sampled it."""
        from engine.sources.usage import UsageFile

        found = UsageFile(step.directory).read()
        if not found.samples:
            return {}
        return {
            "PeakMemoryBytes": found.peak_memory,
            "CpuSeconds": round(found.cpu_s, 2),
            "MeanCores": round(found.mean_cores, 2),
        }

    def events(self, execution_id: str, after: int = 0) -> list[Event]:
        """Up to 1000 events with ``seq > after``, oldest first."""
        return queries.events(self._db, execution_id, after)

    def actions(self, before: int = 0, limit: int = 500) -> list[Event]:
        """What people did, newest first; ``before`` (a ``seq``) pages on."""
        return queries.actions(self._db, before, limit)

    def packages(self, group: str = "") -> list[ModelPackageView]:
        """Model package versions, newest first."""
        return queries.packages(self._db, group)

    def package(self, text: str) -> ModelPackageView:
        """The version that an ARN or ``group/version`` names. Errors: ``NotFound``."""
        return queries.find_package(self._db, text)

    def pipelines(self) -> list[PipelineView]:
        """Pipelines, by name; deleted ones are left out."""
        return queries.pipelines(self._db)

    def pipeline(self, text: str) -> PipelineView:
        """The pipeline that a name, in whatever case, or an ARN names. Errors: ``NotFound``."""
        return queries.find_pipeline(self._db, text)

    def executions_of(self, pipeline: PipelineView) -> list[ExecutionView]:
        """The executions of a pipeline, newest first."""
        return queries.executions_of(self._db, pipeline)

    def definition_text(self, sha: str) -> str:
        """The text of a definition, as an execution or a version names it. Errors: ``NotFound``."""
        return queries.definition(self._db, sha)

    def waiting(self) -> list[StepView]:
        """Callback steps that wait for an answer, oldest execution first."""
        return [
            step
            for execution in queries.unfinished(self._db)
            if execution.steps_waiting_for_answer
            for step in self.steps(execution.id)
            if step.waits_for_answer
        ]

    def asked_outputs(self, step: StepView) -> tuple[OutputParameter, ...]:
        """What an approval of a Callback step has to bring."""
        from engine.definition.loader import load

        sha = queries.execution(self._db, step.execution_id).definition
        return load(queries.definition(self._db, sha)).steps[step.declared_name].output_parameters

    def orphaned(self, execution_id: str) -> bool:
        """Whether an execution has not ended and its runner is gone."""
        from engine.runner.resume import orphaned

        execution = queries.execution(self._db, execution_id)
        return execution.status not in EXECUTION_ENDED and orphaned(self._db, execution_id)

    def attended(self, execution_id: str) -> bool:
        """Whether a living runner has the execution, be it only to tell its observers the end."""
        from engine.runner.resume import orphaned

        return not orphaned(self._db, execution_id)

    def decidable(self, text: str) -> StepView | ModelPackageView:
        """What a person can approve or reject under a name.

        Args:
            text: a callback token, ``EXECUTION/STEP``, or a model package (ARN, group/version).

        Errors: ``NotFound``, ``CommandRejected`` where the step does not wait.
        """
        waiting = self.waiting()
        for step in waiting:
            if text == step.callback_token:
                return step
        head, slash, name = text.partition("/")
        if slash and not text.startswith("arn:"):
            for step in waiting:
                if step.name == name and self._names(head, step.execution_id):
                    return step
        try:
            return queries.find_package(self._db, text)
        except NotFound:
            pass
        if slash and not text.startswith("arn:"):
            step = self.step(self.execution(head).id, name)
            raise CommandRejected(
                f"step {name} of {step.execution_id} does not wait for an answer: it is"
                f" {step.status}",
                code="answer-not-awaited",
            )
        raise NotFound(
            f"nothing that waits for a decision is called {text!r}",
            code="token-not-found",
            hint="`pipetui steps E` shows tokens, `pipetui models` model packages.",
        )

    def _names(self, text: str, execution_id: str) -> bool:
        try:
            return queries.find_execution(self._db, text) == execution_id
        except (NotFound, CommandRejected):
            return False

    def version(self) -> int:
        """A number that changes when something was written."""
        return queries.data_version(self._db)

    def log(self, step: StepView, attempt: int = 0) -> LogSource:
        """The log of a step's attempt, 0 for the current one.

        Errors: ``NotFound`` where the step has no such attempt, or it ran no job.
        """
        from engine.logs.files import FileLog

        return FileLog(self.log_path(step, attempt))

    def log_path(self, step: StepView, attempt: int = 0) -> Path:
        """Where that log lies. Errors: as for ``log``."""
        chosen = next((a for a in step.attempts if a.number == (attempt or step.attempt)), None)
        if chosen is not None and chosen.directory:
            return Path(chosen.directory) / "job.log"
        if attempt and chosen is None:
            why = f"has no attempt {attempt}"
            hint = f"It has {len(step.attempts)}."
        elif step.source_execution:
            why = f"was not run: its result comes from {step.source_execution}"
            hint = f"`pipetui logs {step.source_execution} {step.name}` shows that one's log."
        elif step.attempts:
            why, hint = f"runs no job, so it has no log: it is a {step.type} step", ""
        else:
            why, hint = "has not started", f"It is {step.status}. {step.reason}".strip()
        raise NotFound(f"step {step.name} {why}", code="log-not-found", hint=hint)
