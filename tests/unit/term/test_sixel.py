"""What is encoded as sixel is what a reader of sixel finds."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from pipetui.term.sixel import Indexed, encode

_TOKEN = re.compile(
    r"#(?P<set>\d+);2;(?P<rgb>\d+;\d+;\d+)|#(?P<pick>\d+)"
    r"|!(?P<count>\d+)(?P<run>[?-~])|(?P<one>[?-~])|(?P<turn>[$-])"
)


def decoded(text: str) -> tuple[tuple[int, int], dict[tuple[int, int], tuple[int, int, int]]]:
    """The size that is announced, and the colour of each pixel in percent."""
    whole = re.fullmatch(r"\x1bP0;1q\"1;1;(\d+);(\d+)([ -~]*)\x1b\\", text)
    assert whole is not None
    body, at = whole[3], 0
    registers: dict[int, tuple[int, int, int]] = {}
    pixels: dict[tuple[int, int], tuple[int, int, int]] = {}
    x = top = colour = 0
    while at < len(body):
        token = _TOKEN.match(body, at)
        assert token is not None, body[at:]
        at = token.end()
        if token["set"]:
            red, green, blue = map(int, token["rgb"].split(";"))
            registers[int(token["set"])] = (red, green, blue)
        elif token["pick"]:
            colour = int(token["pick"])
        elif token["turn"]:
            x, top = 0, top + 6 * (token["turn"] == "-")
        else:
            bits = ord(token["run"] or token["one"]) - 63
            end = x + int(token["count"] or 1)
            for place in ((x, top + row) for x in range(x, end) for row in range(6)):
                if bits >> (place[1] - top) & 1:
                    assert place not in pixels
                    pixels[place] = registers[colour]
            x = end
    return (int(whole[1]), int(whole[2])), pixels


@st.composite
def pictures(draw: st.DrawFn) -> Indexed:
    width, height = draw(st.integers(1, 40)), draw(st.integers(1, 20))
    level = st.integers(0, 255)
    palette = draw(st.lists(st.tuples(level, level, level), min_size=1, max_size=6))
    number = st.integers(0, len(palette) - 1)
    runs = draw(st.lists(st.tuples(number, st.integers(1, 60)), min_size=1))
    pixels = b"".join(bytes([one]) * count for one, count in runs)
    whole = (pixels * (width * height))[: width * height]
    return Indexed(width, height, whole, palette)


@given(pictures(), st.data())
def test_every_pixel_of_the_rows_is_drawn_once_in_its_colour(
    picture: Indexed, data: st.DataObject
) -> None:
    top = data.draw(st.integers(0, picture.height - 1))
    bottom = data.draw(st.integers(top + 1, picture.height))
    size, pixels = decoded(encode(picture, top, bottom))
    assert size == (picture.width, bottom - top)
    percent = [tuple(round(value * 100 / 255) for value in one) for one in picture.palette]
    assert pixels == {
        (x, y - top): percent[picture.pixels[y * picture.width + x]]
        for y in range(top, bottom)
        for x in range(picture.width)
    }


def test_a_flat_picture_is_a_few_bytes() -> None:
    flat = Indexed(1000, 60, bytes(60_000), [(255, 255, 255)])
    assert len(encode(flat)) < 160
