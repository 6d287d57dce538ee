"""On Postgres the service does what it does on SQLite: tests of that, once more."""

from collections.abc import Iterator

import pytest

from tests.model_server import use
from tests.scale import schema
from tests.service import test_keys, test_tasks_api

test_one_key_makes_one_task = test_tasks_api.test_the_same_idempotency_key_makes_one_task
test_pages = test_tasks_api.test_tasks_are_listed_in_pages_newest_first
test_events_after_a_restart = test_tasks_api.test_events_are_replayed_after_a_restart
test_a_question = test_tasks_api.test_a_question_to_the_person_is_an_event_and_the_answer_goes_on
test_a_failed_task = test_tasks_api.test_a_failed_task_tells_why_and_can_be_taken_up
test_cancelling_in_the_queue = test_tasks_api.test_a_queued_task_can_be_cancelled_and_is_never_run
test_a_rating = test_tasks_api.test_a_rating_is_kept_with_the_task
test_a_thread = test_tasks_api.test_a_task_can_follow_up_another
test_own_tasks = test_keys.test_each_key_sees_its_own_tasks_only
test_spent_tokens = test_keys.test_a_key_whose_tokens_are_spent_starts_nothing_more_today


@pytest.fixture(autouse=True)
def in_postgres(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with schema() as address:
        use(monkeypatch, CONCERTINO_DATABASE_URL=address)
        yield
