"""The app a line at a time: for screen readers, ``script`` and terminals that only print.

It says how things are, then what changes, each in a sentence of its own, and reads commands from
standard input. Nothing is ever written over.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, TextIO

from pipetui.deciding import decided
from pipetui.feed import Feed, PipetuiError, Update
from pipetui.term.sanitize import plain
from pipetui.viewmodel import spoken
from pipetui.viewmodel.answers import Answer, read, value_of
from pipetui.viewmodel.decided import spoken as because
from pipetui.viewmodel.inbox import typed
from pipetui.viewmodel.state import EXIT_CODES, step_state

if TYPE_CHECKING:
    from engine.api import Home, ParameterView, StepView, WaitingCallback

_LINES = 20
_LISTED = 10
Command = Callable[[list[str]], Awaitable[None]]


def run_linear(home: Home, *, execution: str = "", read_only: bool = False) -> int:
    """Say how the executions of a home are until the person leaves or the input ends.

    Args:
        execution: follow this one (an id, a unique prefix or ``@last``).
        read_only: refuse every action.

    Errors: ``ConfigError``, ``StoreError`` and ``NotFound``.
    """
    return asyncio.run(_run(home, execution, read_only))


async def _run(home: Home, execution: str, read_only: bool) -> int:
    feed = await Feed.open(home, read_only=read_only)
    try:
        return await Conversation(feed, sys.stdin, sys.stdout).hold(execution)
    finally:
        await feed.close()


class Conversation:
    """Sentences out, commands in.

    Args:
        feed: an open feed.
        now: gives the present, in seconds since the epoch.
    """

    def __init__(
        self, feed: Feed, read: TextIO, write: TextIO, now: Callable[[], float] = time.time
    ) -> None:
        self._feed, self._in, self._out, self._now = feed, read, write, now
        self._words: dict[str, str] = {}
        self._input: asyncio.Queue[str | None] = asyncio.Queue()
        self._changed = asyncio.Event()
        self._left = False
        self._commands: dict[str, tuple[Command, str]] = {
            "list": (self._list, "list: the newest executions"),
            "open": (self._open, "open EXECUTION: follow it"),
            "steps": (self._steps, "steps: the steps of the execution you follow"),
            "log": (self._log, "log STEP [LINES]: the end of its log"),
            "why": (self._why, "why [STEP]: why it failed, was skipped, or decided what it did"),
            "inbox": (self._inbox, "inbox: what waits for your answer"),
            "approve": (
                self._approve,
                "approve STEP [NAME=VALUE ...] [-- COMMENT]: answer what waits, and say yes."
                " STEP may be its token, or GROUP/VERSION of a model package."
                " Values that are missing are asked for one at a time.",
            ),
            "reject": (self._reject, "reject STEP [-- COMMENT]: answer what waits, and say no"),
            "rerun": (self._rerun, "rerun [STEP]: run what failed again, or a step and all after"),
            "stop": (self._stop, "stop [REASON]: stop the execution you follow"),
            "help": (self._help, "help: these commands"),
            "quit": (self._leave, "quit: leave; runs go on"),
        }

    async def hold(self, execution: str) -> int:
        """Talk until the person leaves; the followed execution's exit code where it has ended."""
        await self._feed.poll()
        pump = asyncio.create_task(self._pump())
        try:
            if execution:
                await self._open([execution])
            else:
                await self._list([])
            self._say("Type help for the commands.")
            threading.Thread(
                target=self._read, args=(asyncio.get_running_loop(),), daemon=True
            ).start()
            while not self._left and (line := await self._input.get()) is not None:
                if words := line.split():
                    await self._do(words)
            if not self._left:
                await self._until_the_end()
            return await self._code()
        finally:
            pump.cancel()
            with suppress(asyncio.CancelledError):
                await pump

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        with suppress(RuntimeError):
            for line in self._in:
                loop.call_soon_threadsafe(self._input.put_nowait, line)
            loop.call_soon_threadsafe(self._input.put_nowait, None)

    async def _do(self, words: list[str]) -> None:
        asked = "help" if words[0] == "?" else words[0].lower()
        found = [name for name in self._commands if name.startswith(asked)]
        if len(found) != 1:
            self._say(f"There is no command {words[0]}. Type help for the commands.")
            return
        try:
            await self._commands[found[0]][0](words[1:])
        except (PipetuiError, OSError) as problem:
            self._say(f"{problem} {getattr(problem, 'hint', '')}".strip())

    async def _pump(self) -> None:
        async with aclosing(self._feed.updates()) as updates:
            before = self._feed.executions
            async for update in updates:
                self._tell(update)
                if update.executions is not None:
                    for sentence in spoken.news(before, update.executions, self._now()):
                        self._say(sentence)
                    before = update.executions
                self._changed.set()

    def _tell(self, update: Update) -> None:
        for sentence in (update.trouble, update.notice):
            if sentence:
                self._say(sentence)
        for sentence in spoken.step_news(self._words, update.steps, self._now()):
            self._say(sentence)
        self._words |= {step.name: step_state(step).word for step in update.steps}

    async def _until_the_end(self) -> None:
        """The input has ended: stay with what still runs."""
        while any(
            one.id == self._feed.watched and one.ended_at is None for one in self._feed.executions
        ):
            self._changed.clear()
            await self._changed.wait()

    async def _code(self) -> int:
        if not self._feed.watched:
            return 0
        return EXIT_CODES.get((await self._feed.execution(self._feed.watched)).status, 0)

    async def _list(self, _: list[str]) -> None:
        if not self._feed.executions:
            self._say("There are no executions.")
        for one in self._feed.executions[:_LISTED]:
            self._say(spoken.execution_sentence(one, self._now()))

    async def _open(self, words: list[str]) -> None:
        execution = await self._feed.watch(words[0] if words else "@last")
        self._words = {name: step_state(step).word for name, step in self._feed.steps.items()}
        self._say(spoken.execution_sentence(execution, self._now()))

    async def _steps(self, _: list[str]) -> None:
        if not self._feed.steps:
            self._say("You follow no execution. Type open and its id.")
        for step in self._feed.steps.values():
            self._say(spoken.step_sentence(step, self._now()))

    async def _log(self, words: list[str]) -> None:
        if (step := self._step(words)) is None:
            return
        count = int(words[1]) if len(words) > 1 and words[1].isdigit() else _LINES
        log = self._feed.log(step)

        def read() -> list[str]:
            while log.refresh() and not log.complete:
                pass
            return [line.text for line in log.tail(count)]

        lines = await asyncio.to_thread(read)
        self._say(f"The last {len(lines)} lines of {step.name}." if lines else "The log is empty.")
        for line in lines:
            self._say(line)

    async def _why(self, words: list[str]) -> None:
        failed = [one.name for one in self._feed.steps.values() if one.status == "Failed"]
        if not words and not failed:
            self._say("Nothing has failed.")
            return
        if (step := self._step(words or failed[:1])) is None:
            return
        self._say(spoken.step_sentence(step, self._now()))
        known = await decided(self._feed, step)
        for decision in known.decisions:
            for sentence in because(step, decision, known.branches or {}):
                self._say(sentence)
        log = self._feed.log(step)

        def look() -> str:
            while log.refresh() and not log.complete:
                pass
            found = log.first_error()
            place = f", in {found.file} line {found.line}" if found and found.file else ""
            return f"The log says: {found.summary}{place}." if found else ""

        if said := await asyncio.to_thread(look):
            self._say(said)

    async def _inbox(self, _: list[str]) -> None:
        inbox = self._feed.inbox
        for waiting in inbox.callbacks:
            self._say(spoken.question(waiting))
            self._say(f"To answer it: approve {waiting.step.callback_token}, or reject.")
        for package in inbox.packages:
            self._say(
                f"Model package {package.group} version {package.version} waits for approval:"
                f" approve {package.group}/{package.version}."
            )
        if not inbox.callbacks and not inbox.packages:
            self._say("Nothing waits for you.")

    async def _approve(self, words: list[str]) -> None:
        await self._answer(words, success=True)

    async def _reject(self, words: list[str]) -> None:
        await self._answer(words, success=False)

    async def _answer(self, words: list[str], *, success: bool) -> None:
        inbox, asked = self._feed.inbox, words[0] if words else ""
        steps = [
            one for one in inbox.callbacks if asked in (one.step.name, one.step.callback_token)
        ]
        if here := [one for one in steps if one.execution.id == self._feed.watched]:
            steps = here
        packages = [
            one for one in inbox.packages if asked in (one.arn, f"{one.group}/{one.version}")
        ]
        if len(steps) + len(packages) != 1:
            self._say("Name one of those that wait; inbox lists them.")
            return
        did, rest = "approved" if success else "rejected", " ".join(words[1:])
        if packages:
            comment = read(rest, ()).comment
            await self._feed.decide(packages[0].arn, approve=success, comment=comment)
            self._say(f"{packages[0].group} version {packages[0].version} is {did}.")
            return
        answer = await self._whole_answer(steps[0], rest, success)
        if answer is not None:
            await self._feed.answer(
                steps[0].step.callback_token,
                success=success,
                comment=answer.comment,
                outputs=answer.outputs,
            )
            self._say(f"{steps[0].step.name} is {did}.")

    async def _whole_answer(
        self, waiting: WaitingCallback, text: str, success: bool
    ) -> Answer | None:
        """What was typed, and what it lacks asked for; None where the person gave up."""
        try:
            answer = read(text, waiting.outputs if success else ())
        except ValueError as problem:
            self._say(f"Nothing is answered: {problem}.")
            return None
        if not answer.missing:
            return answer
        self._say(spoken.question(waiting))
        count = len(answer.missing)
        values = "1 value is" if count == 1 else f"{count} values are"
        self._say(f"{values} wanted. An empty line gives up.")
        outputs = dict(answer.outputs)
        for parameter in answer.missing:
            value = await self._value(parameter)
            if value is None:
                self._say("Nothing is answered.")
                return None
            outputs[parameter.name] = value
        comment = answer.comment
        if not comment:
            self._say("Comment? An empty line for none.")
            comment = (await self._input.get() or "").strip()
        return Answer(outputs, (), comment)

    async def _value(self, parameter: ParameterView) -> Any:
        """One value, asked for until it is what it has to be; None where the person gave up."""
        while True:
            self._say(f"{parameter.name}, {typed(parameter)}?")
            text = (await self._input.get() or "").strip()
            if not text:
                return None
            try:
                return value_of(parameter, text)
            except ValueError as problem:
                self._say(f"{problem}.")

    async def _rerun(self, words: list[str]) -> None:
        if not self._feed.watched:
            self._say("You follow no execution. Type open and its id.")
            return
        scope, step = ("from", words[0]) if words else ("failed", "")
        new = await self._feed.rerun(self._feed.watched, scope, step)
        await self._open([new])

    async def _stop(self, words: list[str]) -> None:
        if self._feed.watched:
            await self._feed.stop(self._feed.watched, " ".join(words))
            self._say("It is told to stop.")

    async def _leave(self, _: list[str]) -> None:
        self._left = True

    async def _help(self, _: list[str]) -> None:
        for command in self._commands.values():
            self._say(command[1])

    def _step(self, words: list[str]) -> StepView | None:
        name = words[0] if words else ""
        steps = self._feed.steps
        found = [one for one in steps if one == name] or [one for one in steps if name in one]
        if len(found) != 1 or not name:
            which = ", ".join(found or steps) or "none: open an execution first"
            self._say(f"Which step? {which}.")
            return None
        return steps[found[0]]

    def _say(self, sentence: str) -> None:
        with suppress(BrokenPipeError):
            print(plain(sentence), file=self._out, flush=True)
