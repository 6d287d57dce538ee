"""What a workflow made, as it is told at the end."""

from concertino.graphs.conclusion import build_output, conclude, record_output
from concertino.state import Check, Output, Source, TaskState

NAMES = {"length": {"en": "it is long enough", "zh": "长度足够"}}
TEXT = "Once upon a time."


def ended(output: Output | None, language: str = "en") -> TaskState:
    state: TaskState = {"language": language, "outputs": {}}  # type: ignore[typeddict-item]
    if output:
        state["outputs"] = {output.workflow: output}
    return conclude(state, "tell", NAMES)  # type: ignore[arg-type]


def test_an_output_whose_checks_passed_is_verified_and_says_what_was_checked() -> None:
    output = build_output("tell", TEXT, [Check(name="length", passed=True, detail="4 words")])
    found = ended(output)
    assert found["status"] == "verified"
    assert found["final_answer"] == TEXT
    assert found["report"] == f"{TEXT}\n\nChecked: it is long enough (4 words)."


def test_a_failed_check_is_told_and_the_passed_ones_are_not() -> None:
    passed = Check(name="length", passed=True, detail="4 words")
    failed = Check(name="length", passed=False, detail="4 of 40 words")
    found = ended(build_output("tell", TEXT, [passed, failed]), "zh")
    assert found["status"] == "unverified"
    assert "未全部通过检查：长度足够 (4 of 40 words)" in str(found["report"])
    assert "4 words" not in str(found["report"])


def test_sources_are_listed_under_their_numbers() -> None:
    source = Source(number=1, title="Notes", location="notes.md", text="Once.")
    found = ended(build_output("tell", f"{TEXT} [1]", [], sources=[source]))
    assert "**Sources**\n\n1. Notes (notes.md)" in str(found["report"])


def test_without_an_answer_the_text_says_why_and_is_not_the_answer() -> None:
    found = ended(Output(workflow="tell", status="no_answer", text="Not in your documents."))
    assert found["status"] == "no_answer"
    assert found["final_answer"] is None
    assert found["report"] == "Not in your documents."


def test_without_an_output_the_person_is_told_what_to_do() -> None:
    found = ended(None)
    assert found["status"] == "no_answer"
    assert "Say in a sentence" in str(found["report"])


def test_an_output_that_did_not_hold_is_a_failed_turn() -> None:
    output = build_output("tell", TEXT, [Check(name="length", passed=False, detail="short")])
    turn = record_output("tell", output, summary="x" * 500)["turn"]
    assert turn is not None
    assert turn.failed
    assert len(turn.summary) == 300
