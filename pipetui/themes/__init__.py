"""The colours: one accent, greys for structure, red only beside what failed."""

from __future__ import annotations

from textual.theme import Theme

INKS = {
    "ink-strong": "#eef1f4",
    "ink-dim": "#8b939c",
    "ink-faint": "#5d656e",
    "ink-cursor": "#20272f",
}
"""Structure: titles, secondary text, rules, and the background of the selected row."""

CALM = Theme(
    name="calm",
    dark=True,
    primary="#5fafd7",
    secondary="#5fafd7",
    accent="#5fafd7",
    foreground="#c6cbd1",
    background="#101316",
    surface="#101316",
    panel="#1a1e23",
    success="#8fb9b0",
    warning="#d9a866",
    error="#e0707a",
    variables={
        "text-muted": "#8b939c",
        "text-error": "#e0707a",
        "text-warning": "#d9a866",
        "input-cursor-background": "#c6cbd1",
        "input-cursor-foreground": "#101316",
        "input-selection-background": "#2b3a47",
    },
)
