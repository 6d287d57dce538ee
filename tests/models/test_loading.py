from concertino.models.loading import follow_loading, mark_loading, tell_loading


def test_who_follows_is_told_each_state_once_and_shares_in_steps() -> None:
    heard: list[tuple[str, float | None]] = []
    with follow_loading(lambda state, share: heard.append((state, share))):
        for done in range(101):
            tell_loading("checking", done / 100)
        tell_loading("loading")
        tell_loading("ready")
    assert heard[:3] == [("checking", 0.0), ("checking", 0.05), ("checking", 0.1)]
    assert heard[-2:] == [("loading", None), ("ready", None)]
    assert len(heard) == 23


def test_who_comes_while_another_run_loads_is_told_at_once() -> None:
    heard: list[str] = []
    tell_loading("loading")
    with follow_loading(lambda state, share: heard.append(state)):
        tell_loading("ready")
    assert heard == ["loading", "ready"]


def test_nothing_is_told_where_nothing_is_waited_for_nor_after_the_end() -> None:
    heard: list[str] = []
    with follow_loading(lambda state, share: heard.append(state)):
        pass
    tell_loading("loading")
    tell_loading("ready")
    assert heard == []


def test_a_follower_whose_loop_is_closed_does_not_stop_the_loading() -> None:
    heard: list[str] = []

    def fail(state: str, share: float | None) -> None:
        raise RuntimeError("Event loop is closed")

    with follow_loading(fail), follow_loading(lambda state, share: heard.append(state)):
        tell_loading("loading")
        tell_loading("ready")
    assert heard == ["loading", "ready"]


def test_it_is_ready_when_the_last_of_those_who_load_has_ended() -> None:
    heard: list[str] = []
    with follow_loading(lambda state, share: heard.append(state)):
        with mark_loading():
            with mark_loading():
                tell_loading("checking", 0.5)
            tell_loading("loading")
        assert heard == ["checking", "loading", "ready"]


def test_work_whose_starter_is_gone_leaves_nothing_to_wait_for() -> None:
    abandoned = mark_loading()
    with mark_loading():
        abandoned.__enter__()
    tell_loading("checking", 1)
    abandoned.__exit__(None, None, None)
    heard: list[str] = []
    with follow_loading(lambda state, share: heard.append(state)):
        assert heard == []
