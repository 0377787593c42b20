from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pipetui.logview.reader import Reader
from pipetui.logview.rows import wrapped
from pipetui.logview.view import View
from tests.unit.logview.fakes import MemoryLog


def reader(log: MemoryLog, width: int = 40, height: int = 5, **choices: object) -> Reader:
    return Reader(log, View(**choices).resized(width, height))  # type: ignore[arg-type]


def shown(read: Reader) -> list[str]:
    return [row.text for row in read.frame.rows]


def numbered(count: int) -> list[str]:
    return [f"line {n}" for n in range(count)]


def test_it_follows_the_end_until_it_is_scrolled_up_and_again_at_the_end() -> None:
    log = MemoryLog(numbered(20))
    read = reader(log)
    assert shown(read) == ["line 15", "line 16", "line 17", "line 18", "line 19"]
    read.scroll(-2)
    log.texts += ["new 1", "new 2"]
    read.poll()
    assert shown(read)[0] == "line 13" and read.frame.new == 2
    read.scroll(99)
    assert shown(read)[-1] == "new 2" and read.frame.new == 0


def test_nothing_is_read_again_for_a_screen_that_stays() -> None:
    log = MemoryLog(numbered(100))
    read = reader(log)
    read.scroll(-50)
    before, reads = read.frame, log.reads
    log.texts += numbered(1000)
    read.poll()
    assert log.reads == reads
    edge = [x for x, _, _, _ in read.frame.differences(before)]
    assert edge and min(edge) > 0


def test_an_open_last_line_is_shown_as_it_grows() -> None:
    log = MemoryLog(["a", "b"])
    read = reader(log)
    log.texts[-1] = "bcd"
    read.poll()
    assert shown(read) == ["a", "bcd"]


def test_errors_are_visited_one_after_the_other_and_round_the_ends() -> None:
    log = MemoryLog([f"E {n}" if n in (3, 50, 70) else f"line {n}" for n in range(100)])
    read = reader(log)
    visited = []
    for direction in (-1, -1, -1, -1, 1):
        read.next_error(direction)
        visited += [row.text for row in read.frame.rows if row.current]
    assert visited == ["E 70", "E 50", "E 3", "E 70", "E 3"]
    assert "3 err" in read.status


def test_a_search_from_the_end_goes_to_the_last_hit_and_says_which_it_is() -> None:
    log = MemoryLog(numbered(100))
    read = reader(log)
    read.search("line .5")
    assert [row.text for row in read.frame.rows if row.current] == ["line 95"]
    assert "/line .5/ 9 of 9" in read.status and not read.view.follow
    read.next_hit(1)
    assert "1 of 9" in read.status and "line 15" in shown(read)


def test_a_search_that_finds_nothing_moves_nothing() -> None:
    read = reader(MemoryLog(numbered(100)))
    before = shown(read)
    read.search("absent")
    assert shown(read) == before and "/absent/ none" in read.status and read.view.follow


def test_a_jump_waits_for_the_search_to_reach_its_goal() -> None:
    log = MemoryLog([*numbered(50), "goal", *numbered(50)], at_once=10)
    read = reader(log)
    read.view = read.view.scrolled_to(0)
    read.search("goal")
    assert read.view.top == 0 and "0+" in read.status
    for _ in range(5):
        read.poll()
    assert [row.text for row in read.frame.rows if row.current] == ["goal"]


def test_it_opens_at_the_first_error_as_soon_as_the_lines_are_counted() -> None:
    log = MemoryLog([*numbered(50), "E here", " detail", *numbered(50)], hidden=True)
    read = reader(log)
    assert shown(read)[-1] == "line 49"
    read.open_at_first_error()
    assert read.view.follow
    log.hidden = False
    read.poll()
    assert [row.text for row in read.frame.rows if row.current] == ["E here"]
    assert not read.view.follow


def test_a_log_without_error_stays_at_its_end() -> None:
    read = reader(MemoryLog(numbered(50)))
    read.open_at_first_error()
    assert read.view.follow


def test_a_floor_keeps_blocks_whole_and_the_place() -> None:
    texts = [f"line {n}" for n in range(100)]
    texts[20:23] = ["E one", " frame", " frame"]
    texts[60:62] = ["W two", " more"]
    read = reader(MemoryLog(texts), height=3)
    read.view = read.view.scrolled_to(59)
    read.narrow(read.view.floored().floored())
    assert shown(read) == [" frame", "W two", " more"]
    assert "5 of 100 lines" in read.status and read.frame.new == 0
    read.narrow(read.view.floored().floored())
    assert "W two" not in shown(read) or len(read.frame.rows) == 3


def test_what_a_floor_finds_step_by_step_in_an_ended_log_is_not_new() -> None:
    log = MemoryLog([f"E {n}" for n in range(10)])
    log.at_once = 4
    read = reader(log, height=3)
    read.scroll(-2)
    read.narrow(read.view.floored())
    for _ in range(4):
        assert read.frame.new == 0
        read.poll()
    log.texts.append("E more")
    read.poll()
    assert read.frame.new == 1


def test_filters_take_in_and_out() -> None:
    read = reader(MemoryLog(["a x", "b", "c x", "d"]))
    read.narrow(read.view.filtered_by("x"))
    assert shown(read) == ["a x", "c x"]
    read.narrow(read.view.filtered_by("!x"))
    assert shown(read) == ["b", "d"]
    read.narrow(read.view.filtered_by(""))
    assert len(shown(read)) == 4


def test_new_lines_come_through_the_filter() -> None:
    log = MemoryLog(["a x", "b"])
    read = reader(log, filter="x")
    log.texts += ["c", "d x"]
    read.poll()
    assert shown(read) == ["a x", "d x"]


def test_a_log_that_is_replaced_is_read_afresh() -> None:
    log = MemoryLog(numbered(100))
    read = reader(log, search="line 9")
    read.next_hit(1)
    log.texts, log.generation = ["line 9 again"], 1
    read.poll()
    assert shown(read) == ["line 9 again"]
    assert "1 line |" in read.status and "/line 9/ 1" in read.status


def test_wrapped_lines_end_at_the_bottom_and_scroll_by_line() -> None:
    log = MemoryLog(["a" * 25, "b" * 25, "c" * 5])
    read = reader(log, width=10, height=5, wrap=True)
    assert shown(read) == ["a" * 5, "b" * 10, "b" * 10, "b" * 5, "c" * 5]
    read.scroll(-1)
    assert shown(read)[0] == "a" * 10 and not read.view.follow
    read.scroll(1)
    assert shown(read) == ["b" * 10, "b" * 10, "b" * 5, "c" * 5]
    read.scroll(1)
    assert read.view.follow and len(shown(read)) == 5


@given(st.text(alphabet="ab本語é\u0301", max_size=80), st.integers(2, 20))
def test_wrapping_loses_nothing_and_no_part_is_too_wide(text: str, width: int) -> None:
    parts = wrapped(text, width)
    assert "".join(parts) == text
    assert all(cell_len(part) <= width for part in parts)


def test_the_track_shows_the_screen_and_the_errors() -> None:
    texts = numbered(50)
    texts[25] = "E"
    read = reader(MemoryLog(texts), height=10)
    assert read.frame.track == "     x  .."
    assert reader(MemoryLog(numbered(3))).frame.track == " " * 5


STEPS = st.sampled_from(
    ["grow", "poll", "up", "down", "error", "hit", "filter", "floor", "wrap", "search", "replace"]
)


@given(
    st.lists(STEPS, max_size=25),
    st.lists(st.sampled_from(["E x", " y", "W z", "plain x", ""]), max_size=30),
    st.sampled_from([1, 3, 1000]),
    st.booleans(),
)
def test_any_course_of_reading_leaves_a_frame_that_fits(
    steps: list[str], texts: list[str], at_once: int, hidden: bool
) -> None:
    log = MemoryLog(["first", *texts], at_once=at_once, hidden=hidden)
    read = reader(log, width=8, height=4)
    for step in steps:
        log.hidden = False
        if step == "grow":
            log.texts += ["E more", "more"]
        elif step == "replace":
            log.texts, log.generation = ["other"], log.generation + 1
        actions = {
            "up": lambda: read.scroll(-2),
            "down": lambda: read.scroll(3),
            "error": lambda: read.next_error(1),
            "hit": lambda: read.next_hit(-1),
            "filter": lambda: read.narrow(read.view.filtered_by("" if read.view.filter else "!x")),
            "floor": lambda: read.narrow(read.view.floored()),
            "wrap": lambda: read.show(read.view.wrapped()),
            "search": lambda: read.search("x"),
        }
        actions.get(step, read.poll)()
        assert len(read.frame.rows) <= 4 and len(read.frame.track) == 4
    log.hidden = False
    read.poll()
    if read.view.follow and not read.view.filtered:
        assert read.frame.rows[-1].line == len(log.texts) - 1


def current(read: Reader) -> list[str]:
    return [row.text for row in read.frame.rows if row.current]


def test_bookmarks_are_set_on_the_line_in_hand_and_walked() -> None:
    read = reader(MemoryLog(numbered(100)))
    read.toggle_bookmark()
    read.scroll(-50)
    read.toggle_bookmark()
    assert read.hand.bookmarks == [45, 99] and "2 bookmarks" in read.status
    assert [row.text for row in read.frame.rows if row.marked] == ["line 45"]
    read.next_bookmark(1)
    assert current(read) == ["line 99"] and not read.view.follow
    read.next_bookmark(1)
    assert current(read) == ["line 45"]
    read.toggle_bookmark()
    assert read.hand.bookmarks == [99]


def test_a_range_is_extended_by_motions_and_gives_its_shown_lines() -> None:
    log = MemoryLog([f"{'keep' if n % 2 else 'drop'} {n}" for n in range(40)])
    read = reader(log)
    read.narrow(read.view.filtered_by("keep"))
    read.toggle_range()
    read.scroll(-2)
    assert read.picked(9) == ["keep 35", "keep 37", "keep 39"] and "3 picked" in read.status
    assert read.picked(2) == ["keep 35", "keep 37"]
    read.scroll(-99)
    assert current(read) == ["keep 1"] and len(read.picked(99)) == 20
    read.scroll(3)
    assert [row.picked for row in read.frame.rows] == [False, False, False, True, True]
    read.toggle_range()
    assert read.picked(9) == [] and "picked" not in read.status


def test_a_range_in_wrapped_lines_keeps_the_cursor_in_sight() -> None:
    read = reader(MemoryLog(["x" * 90, *numbered(9), "y" * 200]), wrap=True)
    read.toggle_range()
    for _ in range(12):
        read.scroll(-1)
        assert current(read)
    for _ in range(12):
        read.scroll(1)
        assert current(read)


def test_the_line_in_hand_is_the_one_jumped_to_while_it_is_in_sight() -> None:
    read = reader(MemoryLog(numbered(100)))
    assert read.line_in_hand == 99
    read.go_to(50)
    assert read.line_in_hand == 50
    read.scroll(20)
    assert read.line_in_hand == read.view.top
    assert reader(MemoryLog([])).line_in_hand is None


def test_a_block_is_a_head_and_all_that_continues_it() -> None:
    read = reader(MemoryLog(["a", "E b", " c", " d", "e"]))
    for line in (1, 2, 3):
        assert [one.text for one in read.block(line)] == ["E b", " c", " d"]
    assert [one.text for one in read.block(4)] == ["e"]


def test_columns_stay_where_they_are_while_following() -> None:
    log = MemoryLog(numbered(20))
    read = reader(log)
    read.show(read.view.shifted(3))
    log.texts += numbered(50)
    read.poll()
    assert read.view.follow and read.frame.left == 3


def test_heat_shows_where_errors_and_warnings_are() -> None:
    log = MemoryLog([f"{'E' if n > 90 else 'W' if n < 10 else '-'} {n}" for n in range(100)])
    read = Reader(log, View().resized(40, 10, heat=True))
    assert read.frame.heat[0] == (0, 8) and read.frame.heat[9] == (8, 0)
    assert set(read.frame.heat[1:9]) == {(0, 0)}


def test_lines_go_on_being_searched_between_polls() -> None:
    log = MemoryLog(numbered(100), at_once=10)
    read = reader(log, search="9$")
    assert read.busy and "1+" in read.status
    while read.advance(1):
        pass
    assert not read.busy
    read.catch_up()
    assert "/9$/ 10" in read.status


def test_a_motion_waits_until_the_end_is_numbered() -> None:
    log = MemoryLog(numbered(100), hidden=True)
    read = reader(log)
    read.scroll(-2)
    assert read.view.follow and read.line_in_hand is None
    log.hidden = False
    read.poll()
    assert shown(read)[-1] == "line 97" and not read.view.follow
