from concertino.service.turns import SMALL_BYTES, Turns


async def drain(turns: Turns, lane: int, count: int) -> list[str]:
    taken = []
    for _ in range(count):
        async with turns.take(turns.lanes[lane]) as upload_id:
            taken.append(upload_id)
    return taken


async def test_owners_take_turns() -> None:
    turns = Turns()
    for number in range(3):
        turns.put(f"ann{number}", ("ann", f"{number}"), 1)
    turns.put("bob0", ("bob", "x"), 1)
    assert await drain(turns, 0, 4) == ["ann0", "bob0", "ann1", "ann2"]


async def test_small_files_have_a_lane_of_their_own() -> None:
    turns = Turns()
    turns.put("large", (None, "a"), SMALL_BYTES)
    turns.put("small", (None, "b"), SMALL_BYTES - 1)
    assert await drain(turns, 0, 1) == ["small"]
    assert await drain(turns, 1, 1) == ["large"]


async def test_a_later_version_of_a_file_stays_behind_the_earlier_one() -> None:
    turns = Turns()
    turns.put("first", (None, "a"), SMALL_BYTES)
    turns.put("second", (None, "a"), 1)
    assert await drain(turns, 1, 2) == ["first", "second"]
    turns.put("third", (None, "a"), 1)
    assert await drain(turns, 0, 1) == ["third"]
