"""The colours: one accent, greys for structure, red only beside what failed.

A status always has its glyph and its word as well, so that no theme hides one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.theme import Theme

if TYPE_CHECKING:
    from collections.abc import Mapping

INKS = {
    "ink-strong": "#eef1f4",
    "ink-dim": "#8b939c",
    "ink-faint": "#5d656e",
    "ink-cursor": "#20272f",
}
"""Structure: titles, secondary text, rules, and the background of the selected row; those of a
theme that brings none of its own."""


def _theme(
    name: str,
    *,
    dark: bool,
    text: str,
    paper: str,
    panel: str,
    accent: str,
    good: str,
    wait: str,
    bad: str,
    strong: str,
    dim: str,
    faint: str,
    cursor: str,
    selection: str,
) -> Theme:
    """A theme from the colours that are told apart."""
    return Theme(
        name=name,
        dark=dark,
        primary=accent,
        secondary=accent,
        accent=accent,
        foreground=text,
        background=paper,
        surface=paper,
        panel=panel,
        success=good,
        warning=wait,
        error=bad,
        variables={
            "text-muted": dim,
            "text-error": bad,
            "text-warning": wait,
            "input-cursor-background": text,
            "input-cursor-foreground": paper,
            "input-selection-background": selection,
            "ink-strong": strong,
            "ink-dim": dim,
            "ink-faint": faint,
            "ink-cursor": cursor,
        },
    )


_ANSI = Theme(
    name="16-colours",
    ansi=True,
    dark=True,
    primary="ansi_blue",
    secondary="ansi_cyan",
    accent="ansi_cyan",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    variables={
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "text-muted": "ansi_default",
        "text-error": "ansi_red",
        "text-warning": "ansi_yellow",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
        "input-selection-background": "ansi_blue",
        "ink-strong": "ansi_default",
        "ink-dim": "ansi_default",
        "ink-faint": "ansi_bright_black",
        "ink-cursor": "ansi_default",
    },
)
"""The terminal's own colours, on its own background, light or dark."""

THEMES: Mapping[str, Theme] = {
    theme.name: theme
    for theme in (
        _theme(
            "dark", dark=True, text="#c6cbd1", paper="#101316", panel="#1a1e23",
            accent="#5fafd7", good="#8fb9b0", wait="#d9a866", bad="#e0707a",
            strong="#eef1f4", dim="#8b939c", faint="#5d656e", cursor="#20272f",
            selection="#2b3a47",
        ),
        _theme(
            "light", dark=False, text="#2b3138", paper="#fbfbf9", panel="#eeeeea",
            accent="#00639c", good="#2d6a5f", wait="#8a5a00", bad="#b3232f",
            strong="#0b0e11", dim="#5a626b", faint="#8e959c", cursor="#dde7ef",
            selection="#c5d9e8",
        ),
        _theme(
            "high-contrast", dark=True, text="#ffffff", paper="#000000", panel="#000000",
            accent="#5fd7ff", good="#87ff87", wait="#ffd75f", bad="#ff8787",
            strong="#ffffff", dim="#d7d7d7", faint="#a8a8a8", cursor="#005f87",
            selection="#005f87",
        ),
        _theme(
            "colour-blind", dark=True, text="#d0d0d0", paper="#121212", panel="#1c1c1c",
            accent="#56b4e9", good="#9ecae9", wait="#f0c050", bad="#ff9e4a",
            strong="#f4f4f4", dim="#9a9a9a", faint="#6a6a6a", cursor="#23303a",
            selection="#2b4254",
        ),
        _ANSI,
    )
}  # fmt: skip
"""Every theme by name, the first for who never chose. ``colour-blind`` tells what is well from what
is not along blue and orange, which all eyes tell apart."""

DEFAULT = "dark"


def fitting(chosen: str, colors: str | None) -> str:
    """The theme to start with.

    Args:
        chosen: a theme's name, empty where nobody chose.
        colors: what the terminal can do, in Rich's words: ``standard`` is 16 colours.
    """
    if chosen in THEMES:
        return chosen
    return _ANSI.name if colors == "standard" else DEFAULT


def following(name: str) -> str:
    """The theme after one, around to the first."""
    names = list(THEMES)
    return names[(names.index(name) + 1) % len(names)] if name in names else DEFAULT
