"""Workers that claim at the same place begin at different ones, as long as they are many."""

from __future__ import annotations

from hotstream_reactive.mongo.crowd import CLOSER_PART, MOST_RIVALS, Crowd

#: So many claims that each step towards the head has certainly been made.
MANY = int(100 * MOST_RIVALS / CLOSER_PART)


def crowded(losses: int) -> Crowd:
    crowd = Crowd()
    for _ in range(losses):
        crowd.tried(10, 0)
    return crowd


def test_alone_a_worker_begins_at_the_head() -> None:
    crowd = Crowd()
    for got in (10, 9, 10):
        crowd.tried(10, got)
        assert crowd.skip(10) == 0


def test_lost_claims_spread_the_beginnings_up_to_a_limit() -> None:
    assert {crowded(1).skip(10) for _ in range(500)} == {0, 10}
    assert {crowded(9).skip(10) for _ in range(500)} == {n * 10 for n in range(MOST_RIVALS)}


def test_each_keeps_its_place_while_it_is_alone_there() -> None:
    stayed = 0
    for _ in range(500):
        crowd = crowded(9)
        before = crowd.skip(10)
        crowd.tried(10, 10)
        assert before - 10 <= crowd.skip(10) <= before
        stayed += crowd.skip(10) == before
    assert stayed > 250


def test_in_the_end_it_comes_back_to_the_head() -> None:
    crowd = crowded(9)
    for _ in range(MANY):
        crowd.tried(10, 10)
    assert crowd.skip(10) == 0
    crowd.tried(10, 0)
    assert crowd.skip(10) <= 10, "and it is alone again"
