"""What a trace teaches: each question with the workflow that was the one for it."""

from datetime import timedelta
from typing import Any

from concertino.learning.contracts import Reward, TraceRecord
from concertino.learning.labels import gather

from tests.learning.records import NOON, record


def run(
    question: str, workflow: str, reward: float, hour: int = 0, /, **changes: Any
) -> TraceRecord:
    """A run of a question through a workflow, with what it earned."""
    given = {
        "question": question,
        "chosen": workflow,
        "reward": Reward(quality=max(reward, 0), cost=0.0, reward=reward),
        "ended": NOON + timedelta(hours=hour),
    }
    return record(f"{question}-{workflow}-{hour}", **{**given, **changes})


def labels(*records: TraceRecord, **rule: Any) -> dict[str, str]:
    return {question.text: question.label for question in gather(records, **rule).questions}


def test_the_workflow_with_the_highest_mean_reward_is_the_one() -> None:
    tried = [
        run("Q", "solve_math", 0.9, 0),
        run("Q", "solve_math", 0.1, 1),
        run("Q", "rag_qa", 0.6, 2),
        run("Q", "rag_qa", 0.7, 3),
    ]
    [question] = gather(tried).questions
    assert question.label == "rag_qa"
    assert {name: round(value, 2) for name, value in question.rewards.items()} == {
        "solve_math": 0.5,
        "rag_qa": 0.65,
    }


def test_the_first_version_takes_what_was_chosen_last() -> None:
    tried = [run("Q", "solve_math", 0.9, 0), run("Q", "rag_qa", 0.1, 1)]
    assert labels(*tried) == {"Q": "solve_math"}
    assert labels(*tried, rule="chosen") == {"Q": "rag_qa"}


def test_one_try_is_a_label_only_where_it_went_well() -> None:
    tried = [run("good", "rag_qa", 0.8), run("poor", "rag_qa", 0.2)]
    assert labels(*tried) == {"good": "rag_qa"}
    assert gather(tried).left_out["undecided"] == 1
    assert labels(*tried, rule="chosen") == {"good": "rag_qa", "poor": "rag_qa"}


def test_the_same_words_with_other_inputs_are_another_question() -> None:
    one = run("What does it say?", "rag_qa", 0.9, inputs={"urls": ["https://example.org/a"]})
    other = run("What does it say?", "summarize_url", 0.9, 1, inputs={})
    assert [question.inputs for question in gather([one, other]).questions] == [one.inputs, {}]


def test_questions_come_in_the_order_in_which_they_were_seen_first() -> None:
    tried = [
        run("late", "rag_qa", 0.9, 5),
        run("early", "rag_qa", 0.9, 9),
        run("early", "rag_qa", 0.9, 1),
    ]
    assert list(labels(*tried)) == ["early", "late"]


def test_what_nothing_can_be_learned_from_is_counted() -> None:
    found = gather(
        [
            run("hmac:0123456789abcdef", "rag_qa", 0.9),
            run("", "rag_qa", 0.9, question=None),
            run("cancelled", "rag_qa", 0.9, reward=None),
            run("nobody's", "rag_qa", 0.9, chosen=None),
            run("kept", "rag_qa", 0.9),
        ]
    )
    assert [question.text for question in found.questions] == ["kept"]
    assert found.left_out == {"without_text": 2, "without_reward": 2, "undecided": 0}
