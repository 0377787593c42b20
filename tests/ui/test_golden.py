"""The pictures of the documentation are what the app shows: ``make docs`` makes them anew."""

from __future__ import annotations

import html
import re

import pytest

from docs.pictures import GOLDEN, PLACE, picture

_TEXT = re.compile(r'<text class="[^"]*-(r\d+)" x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>')


def texts(svg: str) -> list[tuple[str, ...]]:
    """Style, place and characters of every piece of text."""
    return [(*found[:3], html.unescape(found[3])) for found in _TEXT.findall(svg)]


@pytest.mark.parametrize("name", GOLDEN)
async def test_the_picture_shows_what_the_app_shows(name: str) -> None:
    kept = texts((PLACE / f"{name}.svg").read_text("utf-8"))
    assert kept
    assert texts(await picture(name)) == kept
