# ruff: noqa: E501 - the table reads best with one action a line
"""One table of everything a person can do: keymap, footer, help, palette and docs come from it.

Lower-case keys look, the capitals R B S A X P T act; what acts names what the source must allow. Keys
can be remapped by id in the configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Where an action is valid, in the words of its heading."""

    EXECUTIONS = "executions"
    EXECUTION = "one execution"
    GRAPH = "graph"
    TIMELINE = "timeline"
    METRICS = "metrics"
    LOG = "log"
    ARTIFACTS = "artifacts"
    EVENTS = "events"
    HISTORY = "history"
    MODELS = "models"
    AUDIT = "audit"
    INBOX = "inbox"
    COMPARE = "what differs"
    PICTURES = "pictures of two executions"
    WHY = "why"
    RERUN = "rerun"
    CONFIRM = "questions"
    GLOBAL = "everywhere"
    LIST = "lists and text"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do.

    Args:
        id: stable name, ``scope.verb``; the key under which it is remapped.
        keys: default keys as Textual names them, separated by commas; the first is shown.
        label: a word or two for the footer.
        handler: the method ``action_<handler>`` that does it, called with ``arguments``.
        needs: what the source must allow for it (see ``Capabilities``); empty where it only looks.
        footer: place in the footer, smallest first; 0 keeps it out.
    """

    id: str
    keys: str
    scope: Scope
    label: str
    help: str
    handler: str
    arguments: tuple[str | int, ...] = ()
    needs: str = ""
    footer: int = 0

    @property
    def acts(self) -> bool:
        """Whether it changes the world."""
        return bool(self.needs)


_G, _LI, _ES, _E = Scope.GLOBAL, Scope.LIST, Scope.EXECUTIONS, Scope.EXECUTION
_GR, _LO, _AR, _EV = Scope.GRAPH, Scope.LOG, Scope.ARTIFACTS, Scope.EVENTS
_HI, _AU, _MO = Scope.HISTORY, Scope.AUDIT, Scope.MODELS
_TI, _ME = Scope.TIMELINE, Scope.METRICS
_CP, _PI = Scope.COMPARE, Scope.PICTURES
_IN, _WH, _RE, _CO = Scope.INBOX, Scope.WHY, Scope.RERUN, Scope.CONFIRM

ACTIONS: tuple[Action, ...] = (
    Action("global.help", "question_mark,f1", _G, "help", "Show the keys that are valid here", "help", footer=99),
    Action("global.palette", "colon,ctrl+p", _G, "go", "Go to an execution, a step or an action by name", "palette", footer=90),
    Action("global.filter", "slash", _G, "filter", "Filter the list or search the log: text, !not, ~fuzzy; status:failed took>5m (docs/filters.md)", "filter", footer=80),
    Action("global.back", "escape,backspace", _G, "back", "Clear the filter, then one level back; never quits", "back", footer=95),
    Action("global.inbox", "a", _G, "inbox", "Show all that waits for you", "inbox", footer=70),
    Action("global.models", "M", _G, "models", "Show all model package versions: metrics, approval, where they come from", "models"),
    Action("global.audit", "at", _G, "audit", "Show all that people did: who, when, what; and this session's as commands", "audit"),
    Action("global.copy", "y", _G, "copy", "Copy what is selected through the terminal (OSC 52)", "copy"),
    Action("global.times", "t", _G, "times", "Show times relative, local or in UTC", "times"),
    Action("global.secrets", "asterisk", _G, "secrets", "Show what is masked on this screen, or mask it again", "secrets"),
    Action("global.theme", "ctrl+t", _G, "theme", "The next colours: dark, light, high contrast, colour-blind safe, 16 colours; kept", "theme"),
    Action("global.next-pane", "tab", _G, "pane", "Focus the next pane", "next_pane"),
    Action("global.previous-pane", "shift+tab", _G, "pane", "Focus the previous pane", "previous_pane"),
    Action("global.jump", "ctrl+o", _G, "jump", "Letters on every row, pane and tab: one key goes there", "jump"),
    Action("global.repaint", "ctrl+l", _G, "repaint", "Paint the whole screen again", "repaint"),
    Action("global.quit", "q", _G, "quit", "Leave the screen, at the top the program; runs go on", "leave"),
    Action("global.exit", "ctrl+c", _G, "exit", "Leave the program at once; runs go on", "exit_now"),
    Action("global.pause", "p", _G, "pause", "Keep the picture as it is, or go on; everything still runs", "pause"),
    Action("list.mark", "space", _LI, "mark", "Mark the line, or no longer", "mark"),
    Action("list.range", "v", _LI, "mark to here", "Mark all lines from the last marked one to here", "mark_range"),
    Action("list.down", "down,j", _LI, "down", "One line down", "down"),
    Action("list.up", "up,k", _LI, "up", "One line up", "up"),
    Action("list.page-down", "pagedown", _LI, "page down", "One page down", "page", (1,)),
    Action("list.page-up", "pageup", _LI, "page up", "One page up", "page", (-1,)),
    Action("list.half-down", "ctrl+d", _LI, "half down", "Half a page down", "half", (1,)),
    Action("list.half-up", "ctrl+u", _LI, "half up", "Half a page up", "half", (-1,)),
    Action("list.top", "g,home", _LI, "top", "To the first line", "top"),
    Action("list.bottom", "G,end", _LI, "bottom", "To the last line", "bottom"),
    Action("executions.open", "enter", _ES, "open", "Open the execution", "open", footer=1),
    Action("executions.log", "l", _ES, "log", "Open the log of the step that matters", "log", footer=2),
    Action("executions.why", "w", _ES, "why", "Show why it failed", "why", footer=3),
    Action("executions.rerun", "R", _ES, "rerun", "Run it again, with edits where you like", "rerun", needs="rerun", footer=4),
    Action("executions.run", "B", _ES, "run file", "Run a definition file: its parameters, its plan, then start", "run", needs="start"),
    Action("executions.stop", "S", _ES, "stop", "Stop the execution", "stop", needs="stop", footer=5),
    Action("executions.answer", "A", _ES, "approve", "Show what waits for your answer", "inbox", needs="answer", footer=6),
    Action("executions.parallelism", "P", _ES, "at once", "Change how many steps of the execution run at once", "parallelism", needs="parallelism"),
    Action("executions.history", "h", _ES, "history", "Show the pipeline's steps in its last executions as a grid", "history"),
    Action("executions.columns", "c", _ES, "parameters", "Show parameters that vary as columns, or no longer", "columns"),
    Action("executions.failures", "exclamation_mark", _ES, "failures", "Show only failures, or all again", "failures"),
    Action("executions.order", "o", _ES, "order", "Sort by start, duration, pipeline or failures first", "order"),
    Action("executions.compare", "equals_sign", _ES, "compare", "What differs: the two marked ones, or the selected and the one before it of its pipeline", "compare", footer=7),
    Action("execution.steps", "1", _E, "steps", "Show the steps", "tab", ("steps",)),
    Action("execution.graph", "2", _E, "graph", "Show the graph", "tab", ("graph",)),
    Action("execution.timeline", "3", _E, "timeline", "Show when each step waited and ran", "tab", ("timeline",)),
    Action("execution.log-tab", "4", _E, "log", "Show the log of the selected step", "tab", ("log",)),
    Action("execution.artifacts", "5", _E, "artifacts", "Show what the selected step reads and writes", "tab", ("artifacts",)),
    Action("execution.events", "6", _E, "events", "Show the events", "tab", ("events",)),
    Action("execution.metrics", "7,m", _E, "metrics", "Show the selected step's metrics as curves", "tab", ("metrics",)),
    Action("execution.detail", "enter,d", _E, "detail", "Show all about the selected step", "detail", footer=1),
    Action("execution.log", "l", _E, "log", "Open the selected step's log", "log", footer=2),
    Action("execution.data", "i", _E, "in/out", "Show the selected step's inputs and outputs", "data", footer=3),
    Action("execution.why", "w", _E, "why", "Show why the selected step failed", "why", footer=4),
    Action("execution.rerun", "R", _E, "rerun", "Run the whole, from here, only this or what failed again", "rerun", needs="rerun", footer=5),
    Action("execution.parallelism", "P", _E, "at once", "Change how many steps run at once", "parallelism", needs="parallelism"),
    Action("execution.breakpoint", "B", _E, "break", "Hold the selected step before it starts, or no longer: a held one starts", "breakpoint", needs="breakpoint"),
    Action("execution.stop", "S", _E, "stop", "Stop the execution", "stop", needs="stop", footer=6),
    Action("execution.approve", "A", _E, "approve", "Answer the selected Callback step: success", "answer", (1,), needs="answer", footer=7),
    Action("execution.reject", "X", _E, "reject", "Answer the selected Callback step: failure", "answer", (0,), needs="answer", footer=8),
    Action("execution.shell", "T", _E, "shell", "Open a shell where the selected step's job ran", "shell", needs="shell"),
    Action("execution.pager", "o", _E, "$PAGER", "Open the selected step's log in $PAGER", "pager"),
    Action("execution.next-failed", "right_square_bracket", _E, "next failed", "Select the next failed step", "failed", (1,)),
    Action("execution.previous-failed", "left_square_bracket", _E, "previous failed", "Select the previous failed step", "failed", (-1,)),
    Action("execution.compare", "equals_sign", _E, "compare", "What differs from the execution before it of its pipeline", "compare"),
    Action("execution.larger", "plus", _E, "larger", "More room for the focused pane: half, then all", "size", (1,)),
    Action("execution.smaller", "underscore", _E, "smaller", "Less room for the focused pane", "size", (-1,)),
    Action("execution.full", "f", _E, "full", "The focused pane alone, or all again", "full"),
    Action("execution.earlier", "comma", _E, "earlier", "Back in time by one event: all panes show how it was", "scrub", (-1,)),
    Action("execution.later", "full_stop", _E, "later", "On in time by one event", "scrub", (1,)),
    Action("execution.much-earlier", "less_than_sign", _E, "much earlier", "Back in time by a tenth of the run", "scrub", (-10,)),
    Action("execution.much-later", "greater_than_sign", _E, "much later", "On in time by a tenth of the run", "scrub", (10,)),
    Action("graph.left", "left", _GR, "left", "Walk to the step before", "walk", ("left",)),
    Action("graph.right", "right", _GR, "right", "Walk to the step after", "walk", ("right",)),
    Action("graph.up", "up,k", _GR, "up", "Walk up", "walk", ("up",)),
    Action("graph.down", "down,j", _GR, "down", "Walk down", "walk", ("down",)),
    Action("graph.zoom-in", "z", _GR, "zoom", "More detail", "zoom", (1,), footer=1),
    Action("graph.zoom-out", "Z", _GR, "less", "Less detail", "zoom", (-1,), footer=2),
    Action("graph.fit", "0", _GR, "fit", "The level of detail that fits", "fit", footer=3),
    Action("graph.fold", "x", _GR, "fold", "Fold or unfold the group of the selected step", "fold", footer=4),
    Action("graph.critical", "c", _GR, "critical", "Show the critical path", "critical_path", footer=5),
    Action("graph.export", "ctrl+e", _GR, "export", "Write the graph to a file: SVG, text, Mermaid, Graphviz or JSON", "export", footer=6),
    Action("graph.pan-left", "H", _GR, "pan left", "Move the view to the left", "pan", ("left",)),
    Action("graph.pan-down", "J", _GR, "pan down", "Move the view down", "pan", ("down",)),
    Action("graph.pan-up", "K", _GR, "pan up", "Move the view up", "pan", ("up",)),
    Action("graph.pan-right", "L", _GR, "pan right", "Move the view to the right", "pan", ("right",)),
    Action("timeline.log", "enter", _TI, "log", "Open the step's log at the marked time", "open", footer=1),
    Action("timeline.earlier", "left", _TI, "time", "Move the time mark to the left", "move_time", (-1,)),
    Action("timeline.later", "right", _TI, "time", "Move the time mark to the right; over the end takes it away", "move_time", (1,), footer=2),
    Action("timeline.zoom-in", "z", _TI, "zoom", "A finer scale", "zoom", (1,), footer=3),
    Action("timeline.zoom-out", "Z", _TI, "coarser", "A coarser scale", "zoom", (-1,), footer=4),
    Action("timeline.fit", "0", _TI, "fit", "The whole execution, no time mark", "fit", footer=5),
    Action("metrics.next", "right,z", _ME, "metric", "The next metric", "chart", (1,), footer=1),
    Action("metrics.previous", "left,Z", _ME, "metric", "The metric before", "chart", (-1,)),
    Action("metrics.overlay", "o", _ME, "add run", "Lay the same step of one more earlier execution over it", "overlay", (1,), footer=2),
    Action("metrics.less", "O", _ME, "one less", "Take the last execution laid over it away", "overlay", (-1,), footer=3),
    Action("log.follow", "G,F,end", _LO, "follow", "Go to the end and follow", "follow", footer=1),
    Action("log.next-error", "e", _LO, "error", "Next error", "next_error", (1,), footer=2),
    Action("log.previous-error", "E", _LO, "previous error", "Previous error", "next_error", (-1,)),
    Action("log.next-hit", "n", _LO, "hit", "Next hit of the search", "next_hit", (1,), footer=3),
    Action("log.previous-hit", "N", _LO, "previous hit", "Previous hit of the search", "next_hit", (-1,)),
    Action("log.wrap", "w", _LO, "wrap", "Wrap long lines, or no longer", "wrap", footer=4),
    Action("log.severity", "s", _LO, "severity", "Raise the severity floor; behind the highest comes none", "severity", footer=5),
    Action("log.attempt", "a", _LO, "attempt", "Show the log of the previous attempt, around to the last", "attempt", footer=6),
    Action("log.filter", "vertical_line", _LO, "only", "Show only lines with a text; !text those without", "narrow"),
    Action("log.open", "enter", _LO, "line", "Show the line whole: JSON, traceback; a folded one where it first stands", "open", footer=7),
    Action("log.times", "t", _LO, "times", "Show times as written, since the start, local, in UTC or not at all", "line_times"),
    Action("log.compact", "c", _LO, "short JSON", "Show JSON lines as level, message and the rest, or whole", "compact"),
    Action("log.fold", "x", _LO, "fold", "Fold lines that say the same: rare ones first, in order, or not", "fold", footer=8),
    Action("log.bookmark", "b", _LO, "bookmark", "Set a bookmark on the line, or take it away", "bookmark"),
    Action("log.next-bookmark", "u", _LO, "next bookmark", "Next bookmark", "next_bookmark", (1,)),
    Action("log.previous-bookmark", "U", _LO, "previous bookmark", "Previous bookmark", "next_bookmark", (-1,)),
    Action("log.range", "v", _LO, "range", "Pick lines to copy: motions extend the range; again ends it", "range"),
    Action("log.export", "ctrl+e", _LO, "export", "Write the log, or the lines shown, to a file", "export"),
    Action("log.minute-on", "m", _LO, "minute", "On by a minute, by the times in the lines, else those of arrival", "jump_time", (60,)),
    Action("log.minute-back", "M", _LO, "minute back", "Back by a minute", "jump_time", (-60,)),
    Action("log.hour-on", "h", _LO, "hour", "On by an hour", "jump_time", (3600,)),
    Action("log.hour-back", "H", _LO, "hour back", "Back by an hour", "jump_time", (-3600,)),
    Action("log.down", "down,j", _LO, "down", "One line down", "scroll_down"),
    Action("log.up", "up,k", _LO, "up", "One line up; pauses following", "scroll_up"),
    Action("log.page-down", "pagedown", _LO, "page down", "One page down", "page_down"),
    Action("log.page-up", "pageup", _LO, "page up", "One page up", "page_up"),
    Action("log.half-down", "ctrl+d", _LO, "half down", "Half a page down", "half_page", (1,)),
    Action("log.half-up", "ctrl+u", _LO, "half up", "Half a page up", "half_page", (-1,)),
    Action("log.top", "g,home", _LO, "top", "To the first line", "scroll_home"),
    Action("log.left", "left", _LO, "left", "To the left", "scroll_left"),
    Action("log.right", "right", _LO, "right", "To the right", "scroll_right"),
    Action("artifacts.open", "enter,right", _AR, "open", "Open a folder or an archive, show an image over the whole terminal, read a file again", "open", footer=1),
    Action("artifacts.close", "left", _AR, "close", "Close the folder", "close", footer=2),
    Action("artifacts.save", "s,ctrl+e", _AR, "save", "Copy the file or the folder to a place of yours", "save", footer=3),
    Action("artifacts.compare", "equals_sign", _AR, "compare", "What differs from the step's last green run, else the run before", "compare", footer=4),
    Action("artifacts.pager", "o", _AR, "$PAGER", "Open the file in $PAGER", "pager", footer=5),
    Action("artifacts.editor", "e", _AR, "$EDITOR", "Open the file in $EDITOR; of an archive's member a copy", "editor", footer=6),
    Action("artifacts.pan-left", "H", _AR, "pan left", "Move the preview to the left", "pan", ("left",)),
    Action("artifacts.pan-down", "J", _AR, "pan down", "Move the preview down", "pan", ("down",)),
    Action("artifacts.pan-up", "K", _AR, "pan up", "Move the preview up", "pan", ("up",)),
    Action("artifacts.pan-right", "L", _AR, "pan right", "Move the preview to the right", "pan", ("right",)),
    Action("events.open", "enter", _EV, "json", "Show the event as JSON", "open", footer=1),
    Action("history.open", "enter", _HI, "open", "Open the step in that execution", "open", footer=1),
    Action("history.log", "l", _HI, "log", "Open the step's log in that execution", "log", footer=2),
    Action("history.left", "left", _HI, "older", "To the older execution", "sideways", (-1,)),
    Action("history.right", "right", _HI, "newer", "To the newer execution", "sideways", (1,)),
    Action("history.oldest", "less_than_sign", _HI, "oldest", "To the oldest execution", "sideways", (-1000,)),
    Action("history.newest", "greater_than_sign", _HI, "newest", "To the newest execution", "sideways", (1000,)),
    Action("models.open", "enter", _MO, "details", "Show all about the version: evidence, containers, metadata, lineage", "open", footer=1),
    Action("models.approve", "A", _MO, "approve", "Approve the version, with a comment", "decide", (1,), needs="decide", footer=2),
    Action("models.reject", "X", _MO, "reject", "Reject the version, with a comment", "decide", (0,), needs="decide", footer=3),
    Action("models.compare", "equals_sign", _MO, "compare", "What differs between the runs of the two marked versions, or of the selected and the approved one", "compare", footer=4),
    Action("models.run", "r", _MO, "its run", "Open the execution that registered it, at the step", "run", footer=5),
    Action("models.order", "o", _MO, "order", "Sort by group, newest first, waiting first or by the first metric", "order", footer=6),
    Action("audit.open", "enter", _AU, "json", "Show the record as JSON, or the list alone again", "open", footer=1),
    Action("inbox.open", "enter", _IN, "open", "Open the execution it comes from", "open", footer=1),
    Action("inbox.approve", "A", _IN, "approve", "Approve, with a comment", "decide", (1,), needs="answer", footer=2),
    Action("inbox.reject", "X", _IN, "reject", "Reject, with a comment", "decide", (0,), needs="answer", footer=3),
    Action("inbox.compare", "equals_sign", _IN, "compare", "What differs from the execution that made the approved version", "compare", footer=4),
    Action("compare.pictures", "i", _CP, "pictures", "Show the pictures that both made side by side", "pictures", footer=1),
    Action("pictures.next", "right,n", _PI, "next", "The next picture of both", "other", (1,)),
    Action("pictures.previous", "left", _PI, "previous", "The picture before", "other", (-1,)),
    Action("why.editor", "e", _WH, "$EDITOR", "Open the file at the line that failed in $EDITOR", "editor", footer=1),
    Action("why.log", "l", _WH, "log", "Open the log at the error", "log", footer=2),
    Action("rerun.edit", "enter", _RE, "edit", "Edit the selected value", "edit", footer=1),
    Action("rerun.next-scope", "right", _RE, "scope", "Next scope", "scope", (1,), footer=2),
    Action("rerun.previous-scope", "left", _RE, "scope", "Previous scope", "scope", (-1,)),
    Action("rerun.step", "s", _RE, "step", "The next step: its arguments, and where to start from", "step", footer=6),
    Action("rerun.reset", "delete,u", _RE, "undo", "Take the change of the selected value back", "reset", footer=4),
    Action("rerun.editor", "e", _RE, "$EDITOR", "Edit all values as JSON in $EDITOR", "editor", footer=3),
    Action("rerun.run", "R", _RE, "run", "Run it", "run", needs="rerun", footer=5),
    Action("confirm.yes", "enter", _CO, "do it", "Do it", "yes", footer=1),
)  # fmt: skip

BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}


def of_scope(scope: Scope) -> tuple[Action, ...]:
    """The actions of a scope, in the table's order."""
    return tuple(action for action in ACTIONS if action.scope is scope)


_KEY_NAMES = {
    "question_mark": "?",
    "exclamation_mark": "!",
    "colon": ":",
    "at": "@",
    "asterisk": "*",
    "slash": "/",
    "escape": "esc",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "vertical_line": "|",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "plus": "+",
    "minus": "-",
    "underscore": "_",
    "equals_sign": "=",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "comma": ",",
    "full_stop": ".",
}


def key_name(key: str) -> str:
    """A key as a person reads it: ``?`` for ``question_mark``."""
    return _KEY_NAMES.get(key, key)


def key_names(keys: str, between: str = " ") -> str:
    """All keys of an action as a person reads them."""
    return between.join(key_name(key.strip()) for key in keys.split(","))


def markdown(actions: Iterable[Action] = ACTIONS) -> str:
    """The table as docs/keys.md holds it."""
    lines = [
        "# Keys",
        "",
        "Lower-case keys look, the capitals `R` `B` `S` `A` `X` `P` `T` act. They ask first, but for a",
        "breakpoint, which the same key takes away; are greyed where the source refuses them; and are kept",
        "in the execution's record with who and when.",
        "Arrow keys work everywhere; `j` and `k` are extra.",
        "",
        "A key can be changed by its id in the configuration (`config.toml` in the home):",
        "",
        "```toml",
        "[keys]",
        '"execution.stop" = "ctrl+k"',
        "```",
    ]
    known = list(actions)
    for scope in Scope:
        chosen = [action for action in known if action.scope is scope]
        if not chosen:
            continue
        heading = scope.value[0].upper() + scope.value[1:]
        lines += ["", f"## {heading}", "", "| key | does | id |", "|---|---|---|"]
        for action in chosen:
            keys = " ".join(f"`{_escaped(key_name(key))}`" for key in action.keys.split(","))
            does = f"**{action.help}**" if action.acts else action.help
            lines.append(f"| {keys} | {does} | `{action.id}` |")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
