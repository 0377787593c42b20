"""Which variant or component of an endpoint answers a request."""

from __future__ import annotations

import socket
from collections import Counter
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from engine.environments.algorithms.serving.endpoint import Listener, Router, Target

NO_CHAIN = cast(Any, None)


def target(name: str, weight: float, component: bool = False) -> Target:
    return Target(name, "blue" if component else name, component, weight, NO_CHAIN)


def chosen(router: Router, count: int) -> list[str]:
    found = [router.choose() for _ in range(count)]
    return [one.name for one in found if one is not None]


@given(st.text(max_size=5))
def test_the_same_seed_gives_the_same_choices(seed: str) -> None:
    targets = [target("blue", 1), target("green", 2)]
    first, second = (Router("e", targets, seed) for _ in range(2))
    assert chosen(first, 20) == chosen(second, 20)


def test_shares_follow_the_weights_and_a_weight_of_0_gets_nothing() -> None:
    router = Router("e", [target("blue", 3), target("green", 1), target("red", 0)], "1")
    shares = Counter(chosen(router, 2000))
    assert 1400 < shares["blue"] < 1600 and shares["red"] == 0


def test_a_name_wins_over_the_weights() -> None:
    router = Router("e", [target("blue", 1), target("red", 0), target("ic", 0, True)], "1")
    assert (found := router.choose(variant="red")) is not None and found.name == "red"
    assert (found := router.choose(component="ic")) is not None and found.variant == "blue"
    assert router.choose(variant="ic") is None
    assert router.choose(component="blue") is None


def test_an_endpoint_takes_another_port_where_its_own_is_taken() -> None:
    router = Router("e", [], "1")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Listener(port, router) as other:
            assert other.server_port != port
    with Listener(port, router) as one, Listener(port, router) as beside:
        assert one.server_port == beside.server_port == port


def test_nobody_answers_where_all_weights_are_0() -> None:
    assert Router("e", [target("blue", 0), target("ic", 1, True)], "1").choose() is None
