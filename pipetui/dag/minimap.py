"""A small map of a picture that is larger than its view."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pipetui.dag.picture import Picture, Region

WIDTH, HEIGHT = 24, 6


def footprint(picture: Picture) -> frozenset[tuple[int, int]]:
    """The cells of the map where a box is."""
    wide, high = max(1, picture.width), max(1, picture.height)
    return frozenset(
        (box.region.x * WIDTH // wide, box.region.y * HEIGHT // high)
        for box in picture.boxes.values()
    )


def minimap(
    picture: Picture, taken: Collection[tuple[int, int]], view: Region
) -> Sequence[Sequence[tuple[str, bool]]]:
    """The map's rows: for each cell whether a box is there (`#`, else a space), and is in view.

    `taken` is the picture's footprint.
    """
    wide, high = max(1, picture.width), max(1, picture.height)
    shown = Region(
        view.x * WIDTH // wide,
        view.y * HEIGHT // high,
        max(1, -(-view.width * WIDTH // wide)),
        max(1, -(-view.height * HEIGHT // high)),
    )
    return [
        [("#" if (x, y) in taken else " ", shown.holds(x, y)) for x in range(WIDTH)]
        for y in range(HEIGHT)
    ]
