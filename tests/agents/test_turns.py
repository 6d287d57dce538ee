"""What every agent sees of the task."""

from concertino.agents.turns import LookupState, choose_query
from concertino.state import OPEN_TASK_TYPE, CoordinatorDecision, Record, Routing

LESSON = "From my notes on fractions, make a lesson for grade 3"
WANTED = "what the notes say about fractions"


def task(task_type: str, **changes: object) -> LookupState:
    decision = CoordinatorDecision(
        reasoning="", next_action="rag_qa", instructions=WANTED, should_continue=True
    )
    routing = Routing(task_type=task_type, candidates=[])
    return {"question": LESSON, "decision": decision, "routing": routing, **changes}  # type: ignore[typeddict-item]


def test_a_source_that_gathers_for_another_workflow_is_asked_what_the_coordinator_wants() -> None:
    assert choose_query(task("teach_explain"), "rag_qa") == WANTED


def test_a_source_that_the_task_is_for_is_asked_the_task_itself() -> None:
    assert choose_query(task("rag_qa"), "rag_qa") == LESSON
    assert choose_query(task(OPEN_TASK_TYPE), "rag_qa") == LESSON
    assert choose_query({"question": LESSON, "routing": None}, "rag_qa") == LESSON


def test_where_that_led_to_nothing_the_task_itself_is_asked() -> None:
    played = Record(round=1, actor="rag_qa", summary="")
    assert choose_query(task("teach_explain", history=[played]), "rag_qa") == LESSON
