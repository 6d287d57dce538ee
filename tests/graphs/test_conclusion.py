"""How a workflow's output is presented at the end."""

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


AGAIN = "The old man walked slowly down to the grey sea."


def test_what_a_text_repeats_and_an_end_that_breaks_off_are_left_out() -> None:
    found = ended(build_output("tell", f"{AGAIN} He slept. {AGAIN} Then he", []))
    assert found["status"] == "verified"
    assert found["final_answer"] == f"{AGAIN} He slept."
    assert found["outputs"]["tell"].text == f"{AGAIN} He slept."


def test_a_text_in_another_language_is_not_verified_and_says_why() -> None:
    found = ended(build_output("tell", "他慢慢地走向大海，然后就睡着了。", []))
    assert found["status"] == "unverified"
    assert "it slips into another language: “他慢慢地走向大海" in str(found["report"])


def test_a_fault_that_stays_is_a_check_that_failed_before_the_coordinator() -> None:
    output = build_output("tell", "They are red, green,", [], language="en")
    assert (output.status, [check.name for check in output.checks]) == ("unverified", ["readable"])
    assert "没有写完" in build_output("tell", "红的、绿的、", [], language="zh").checks[0].detail


def test_a_text_is_read_in_its_own_language() -> None:
    text = "他慢慢地走向大海，然后就睡着了。"
    assert ended(build_output("tell", text, [], language="zh"))["status"] == "verified"


def test_what_the_person_wrote_is_not_mended() -> None:
    opening = f"{AGAIN} {AGAIN}"
    output = build_output("tell", f"{opening} He slept.", [], language="en", known=opening)
    assert (output.status, output.text) == ("verified", f"{opening} He slept.")
