"""Stories from the question to the result: planned, written, checked, repaired, continued."""

import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest
from concertino import InvalidTask, ModelError, resume_task, run_task
from concertino.language.text import count_units, measure_chinese_share

from tests.scripted_model import ScriptedModel, decision

Words = Callable[[str], str]
QUESTION = "Write a story about a lamp in a tower, for Ada and Tomas."
QUESTION_ZH = "写一个关于灯塔的故事，人物是阿达和老陈。"

POINTS = [
    "Ada polishes the brass lamp in the tower.",
    "Tomas slips on the wet stairs during the storm.",
    "Ada carries burning oil upstairs in a kettle.",
]
POINTS_ZH = ["阿达擦亮塔里的铜灯。", "老陈在湿滑楼梯摔断脚踝。", "阿达提着滚烫灯油爬上塔顶。"]
WORDS = ["amber", "brisk", "cedar", "dusk", "ember", "fern", "gale", "harbour", "iron", "jetty"]


def request(**changes: Any) -> dict[str, Any]:
    """Return what the model might extract from a question."""
    return {
        "kind": "new",
        "about": "",
        "change": "none",
        "language": "unsaid",
        "style": "",
        "characters": [],
        "length": 0,
        "chapters": 0,
        **changes,
    }


def plan(points: list[str] = POINTS, **changes: Any) -> dict[str, Any]:
    """Return what the model might plan."""
    return {
        "title": "The Lamp",
        "characters": ["Ada", "Tomas"],
        "beginning": points[0],
        "middle": points[1:-1],
        "ending": points[-1],
        **changes,
    }


def prose(length: int, number: int) -> str:
    """Return English sentences of ten words, different for every number."""
    words = (f"{WORDS[n % len(WORDS)]}{number}x{n}" for n in itertools.count())
    return " ".join(
        f"{' '.join(itertools.islice(words, 10)).capitalize()}." for _ in range(round(length / 10))
    )


def prose_zh(length: int, number: int) -> str:
    """Return Chinese sentences of ten characters, different for every number."""
    found = [chr(0x4E00 + (number * 997 + n * 31) % 20000) for n in range(length)]
    return "".join("".join(found[n : n + 10]) + "。" for n in range(0, length, 10))


def asked_for(prompt: str) -> tuple[str, int]:
    """Return the plot point and the length that a prompt requests at its end."""
    chinese = re.findall(r"第\d+部分：(.*)\n(?:.*\n)*写成连贯的一段，\d+句左右，约(\d+)字", prompt)
    english = re.findall(
        r"[Pp]art \d+(?: once more, in other words)?: (.*)\n(?:.*\n)*.*about (\d+) words", prompt
    )
    point, length = (chinese or english)[-1]
    return point, int(length)


def writer() -> Words:
    """Return an author who writes text of the requested length that contains the plot point."""
    numbers = itertools.count(1)

    def write(prompt: str) -> str:
        point, length = asked_for(prompt)
        if measure_chinese_share(point) > 0.5:
            return point + prose_zh(max(10, length - count_units(point)), next(numbers))
        return f"{point} {prose(length - count_units(point), next(numbers))}"

    return write


@pytest.fixture
def author(scripted: Callable[..., ScriptedModel]) -> Callable[..., ScriptedModel]:
    """Return a model that writes proper stories, with changes to its script."""

    def make(**changes: list[Any]) -> ScriptedModel:
        write = writer()
        script: dict[str, list[Any]] = {
            "story_request": [request()],
            "story_plan": [plan()],
            "story_part": [write],
            "story_rewrite": [write],
            "story_summary": ["Ada has a lamp."],
            "story_opinion": [{"quote": "", "told": False}],
            "story_turn": ['"Who goes there?" The captain raises his lantern.'],
            "restate": [{"task": "the same, changed"}],
            "coordinator": [decision("rewrite_story"), decision("complete")],
            **changes,
        }
        return scripted(**script)

    return make


Author = Callable[..., ScriptedModel]


def write(model: ScriptedModel, question: str = QUESTION, **options: Any) -> dict[str, Any]:
    return run_task(question, workflow="write_story", model=model, **options)


def checks(result: dict[str, Any]) -> dict[str, bool]:
    return {c["name"]: c["passed"] for c in result["outputs"]["write_story"]["checks"]}


def actors(result: dict[str, Any]) -> list[str]:
    return [r["actor"] for r in result["iteration_history"] if r["actor"] != "coordinator"]


def test_a_story_is_planned_written_and_checked(author: Author) -> None:
    model = author()
    result = write(model, inputs={"length": 300, "characters": ["Ada", "Tomas"]})
    assert result["error"] is None, result["error"]

    output = result["outputs"]["write_story"]
    assert result["status"] == "verified", output["checks"]
    assert checks(result) == dict.fromkeys(
        ["language", "length", "characters", "plot", "repetition"], True
    )
    assert result["final_answer"].startswith("# The Lamp\n\nAda polishes")
    assert output["data"]["plan"]["points"] == POINTS
    assert len(output["data"]["segments"]) == 3
    assert 255 <= output["data"]["count"] <= 345
    assert output["data"]["target"] == 300
    assert "Checked: it is in the language asked for (English)" in result["report"]
    assert actors(result) == ["write_story"]


def test_a_chinese_question_gives_a_chinese_story(author: Author) -> None:
    chinese = plan(POINTS_ZH, title="铜灯", characters=["阿达", "老陈"])
    model = author(story_plan=[chinese], story_request=[request(characters=["阿达", "老陈"])])
    result = write(model, QUESTION_ZH + "要500字。")

    output = result["outputs"]["write_story"]
    assert result["status"] == "verified", output["checks"]
    assert result["final_answer"].startswith("# 铜灯\n\n阿达擦亮")
    assert output["data"]["target"] == 500
    assert 425 <= output["data"]["count"] <= 575
    assert "已检查：语言符合要求 (中文)" in result["report"]


def test_what_the_inputs_leave_out_is_read_from_the_question(author: Author) -> None:
    asked = request(length=400, characters=["Ada", "Zoe"], style="fable", language="zh", chapters=2)
    model = author(story_request=[asked], story_plan=[plan(POINTS_ZH)])
    result = write(model, "A fable of 400 words in Chinese, in two chapters, about Ada.")

    read = result["outputs"]["write_story"]["data"]["request"]
    assert (read["length"], read["style"], read["language"]) == (400, "fable", "zh")
    assert read["characters"] == ["Ada"], "Zoe is not in the question"
    assert re.findall("^## .*", result["final_answer"], re.MULTILINE) == ["## 第1章", "## 第2章"]


def test_an_input_comes_before_what_the_question_says(author: Author) -> None:
    model = author(story_request=[request(length=400, characters=["Ada"])])
    result = write(
        model,
        f"{QUESTION} 400 words.",
        inputs={"length": "120", "characters": ["Tomas"], "style": "ballad"},
    )

    read = result["outputs"]["write_story"]["data"]["request"]
    assert (read["length"], read["characters"], read["style"]) == (120, ["Tomas"], "ballad")


@pytest.mark.parametrize("times", [0.35, 3])
def test_a_model_that_misses_the_length_is_steered_to_it(author: Author, times: float) -> None:
    numbers = itertools.count(1)

    def miss(prompt: str) -> str:
        point, length = asked_for(prompt)
        return f"{point} {prose(int(length * times), next(numbers))}"

    result = write(author(story_part=[miss]), inputs={"length": 600})

    assert checks(result)["length"], result["outputs"]["write_story"]["checks"]
    assert result["final_answer"].endswith("."), "cut at the end of a sentence"


@pytest.mark.parametrize("length", [300, 5000, 10_000])
def test_no_prompt_grows_with_the_story(author: Author, length: int) -> None:
    middle = [f"Ada met guest{n} at gate{n} and lost coin{n}." for n in range(5)]
    points = [POINTS[0], *middle, POINTS[-1]]
    model = author(story_plan=[plan(points if length > 300 else POINTS)])
    result = write(model, inputs={"length": length})

    assert checks(result)["length"]
    longest = max(count_units(asked) for asked in model.asked)
    assert longest < 1500, "words; about 2,000 tokens"


def test_only_the_segment_at_fault_is_rewritten(author: Author) -> None:
    model = author(
        story_plan=[plan(characters=["Ada", "Tomas", "Zoe"])],
        story_rewrite=["Zoe laughs while Ada polishes the brass lamp in the tower."],
    )
    result = write(model, inputs={"length": 300, "characters": ["Zoe"]})

    assert actors(result) == ["write_story", "rewrite_story"]
    assert checks(result)["characters"]
    data = result["outputs"]["write_story"]["data"]
    assert data["segments"][0].startswith("Zoe laughs")
    assert all("x" in segment for segment in data["segments"][1:])
    asked = next(text for text in model.asked if "What was wrong with it" in text)
    assert "These must appear by name: Zoe." in asked
    assert "- go on" in asked, "what the Coordinator says of it"
    decisions = [text for text in model.asked if "You are the Coordinator" in text]
    assert "characters: missing: Zoe" in decisions[0]


def test_a_rewriting_that_is_worse_is_not_kept(author: Author) -> None:
    model = author(story_rewrite=["错。"])
    result = write(model, inputs={"length": 300, "characters": ["Zoe"]})

    assert result["status"] == "unverified"
    assert "错" not in result["final_answer"]
    assert "Not everything held: everyone named appears (missing: Zoe)" in result["report"]


def test_the_coordinator_may_have_the_story_written_anew(author: Author) -> None:
    model = author(
        coordinator=[decision("write_story", "mind the names"), decision("complete")],
        story_plan=[plan(), plan(["Zoe polishes the brass lamp.", *POINTS[1:]])],
    )
    result = write(model, inputs={"length": 300, "characters": ["Zoe"]})

    assert result["status"] == "verified"
    assert actors(result) == ["write_story", "write_story"]
    second = [text for text in model.asked if "You plan stories" in text][1]
    assert "missing: Zoe" in second
    assert "mind the names" in second
    assert sum("You read what story" in text for text in model.asked) == 1


def test_a_story_that_cannot_be_mended_comes_to_an_end(author: Author) -> None:
    model = author(coordinator=[decision("rewrite_story")], story_rewrite=["Nobody came."])
    result = write(model, inputs={"length": 300, "characters": ["Zoe"]}, max_iterations=50)

    assert result["status"] == "unverified"
    assert result["total_iterations"] <= 5


def test_a_plot_point_in_other_words_passes_if_the_model_quotes_it(author: Author) -> None:
    sentence = "She rubbed the old metal until it shone."
    write_on = writer()
    first = [f"{sentence} {prose(90, 99)}", write_on]
    opinion = {"quote": sentence, "told": True}
    model = author(story_part=first, story_opinion=[opinion])

    assert checks(write(model, inputs={"length": 300}))["plot"]
    assert sum("tells a given event" in text for text in model.asked) == 1


def test_an_opinion_without_a_real_quotation_does_not_count(author: Author) -> None:
    model = author(
        story_part=[prose(100, 99), writer()],
        story_opinion=[{"quote": "She rubbed the old metal until it shone.", "told": True}],
        coordinator=[decision("complete")],
    )
    result = write(model, inputs={"length": 300})

    assert not checks(result)["plot"]
    assert result["outputs"]["write_story"]["data"]["faults"]["plot"] == [0]


def test_an_opinion_that_cannot_be_read_takes_no_story_away(author: Author) -> None:
    model = author(
        story_part=[prose(100, 99), writer()],
        story_opinion=["I think so."],
        coordinator=[decision("complete")],
    )
    result = write(model, inputs={"length": 300})

    assert result["status"] == "unverified"
    assert not checks(result)["plot"]
    assert result["final_answer"]


def test_a_plan_that_misses_the_subject_is_made_once_more(author: Author) -> None:
    off = plan(["Ada eats soup.", "Tomas sings.", "They sleep."])
    model = author(
        story_request=[request(about="a lamp, a storm and burning oil")], story_plan=[off, plan()]
    )
    result = write(model, inputs={"length": 300})

    assert result["outputs"]["write_story"]["data"]["plan"]["points"] == POINTS


def test_sentences_that_come_again_are_left_out(author: Author) -> None:
    same = f"{' '.join(POINTS)} {prose(60, 1)}"
    write_on = writer()
    model = author(story_part=[same, same, write_on], coordinator=[decision("complete")])
    result = write(model, inputs={"length": 300})

    assert checks(result)["repetition"]
    assert result["final_answer"].count(POINTS[0]) == 1


@pytest.mark.parametrize("rubbish", ["", "\n\n", "# The Lamp", "Sure, here is the story:"])
def test_a_model_that_writes_nothing_gives_no_story(author: Author, rubbish: str) -> None:
    result = write(author(story_part=[rubbish]), inputs={"length": 300})

    assert result["status"] == "no_answer"
    assert "wrote nothing" in result["report"]


def test_a_plan_that_is_no_json_is_an_error_that_says_so(author: Author) -> None:
    result = write(author(story_plan=["Once upon a time"]))

    assert result["status"] == "failed"
    assert "PlotDraft" in result["error"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"length": -5}, "-5"),
        ({"length": 0}, "from 50 to 10000"),
        ({"length": "many"}, "many"),
        ({"length": 50_000}, "50000"),
        ({"length": True}, "True"),
        ({"length": 2.5}, "2.5"),
        ({"chapters": 40}, "from 1 to 7"),
        ({"mode": "poem"}, "mode"),
        ({"characters": "Ada"}, "characters"),
        ({"opening": "x" * 70_000}, "opening"),
        ({"language": "fr"}, "language"),
    ],
)
def test_inputs_that_make_no_sense_are_refused(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidTask, match=message):
        run_task(QUESTION, workflow="write_story", inputs=inputs)


@pytest.mark.parametrize("question", ["Write a story of 50,000 words.", "写一个5万字的故事。"])
def test_a_question_for_a_book_gets_a_clear_no(author: Author, question: str) -> None:
    result = write(author(), question)

    assert result["status"] == "no_answer"
    assert "50000" in result["report"]
    assert "10000" in result["report"]
    assert actors(result) == ["write_story"]


def test_a_text_is_continued_and_shown_with_its_continuation(author: Author) -> None:
    opening = "It was dark. Ada climbed the stairs of the tower with a match."
    model = author()
    inputs = {"mode": "continue", "opening": opening, "length": 300}
    result = write(model, "Go on.", inputs=inputs)

    assert result["status"] == "verified", result["report"]
    assert result["final_answer"].startswith(f"# The Lamp\n\n{opening}\n\n")
    assert 255 <= result["outputs"]["write_story"]["data"]["count"] <= 345, "the opening aside"
    first = next(text for text in model.asked if "You are a storyteller" in text)
    assert opening in first
    assert "Go on with the story." in first


def test_a_long_opening_is_read_in_pieces(author: Author) -> None:
    opening = prose(3000, 5)
    model = author()
    inputs = {"mode": "continue", "opening": opening, "length": 300}
    result = write(model, "Go on.", inputs=inputs)

    assert result["status"] == "verified", result["report"]
    assert max(count_units(asked) for asked in model.asked) < 1500
    assert result["final_answer"].startswith(f"# The Lamp\n\n{opening}")


def test_shorter_please_tells_the_earlier_story_anew(author: Author) -> None:
    first = write(author(), inputs={"length": 600, "characters": ["Ada"]})
    model = author(story_request=[request(kind="rework", change="shorter")])
    second = write(model, "shorter, please", thread_id=first["thread_id"])

    earlier = first["outputs"]["write_story"]["data"]
    data = second["outputs"]["write_story"]["data"]
    assert second["status"] == "verified", second["report"]
    assert data["request"]["kind"] == "rework"
    assert data["request"]["characters"] == ["Ada"]
    assert data["target"] == round(earlier["count"] * 0.5)
    asked = next(text for text in model.asked if "You plan stories" in text)
    assert earlier["segments"][1] in asked
    assert "the person says: shorter, please" in asked


def test_a_length_in_the_follow_up_comes_before_the_earlier_input(author: Author) -> None:
    first = write(author(), inputs={"length": 600})
    model = author(story_request=[request(kind="rework", change="shorter", length=200)])
    second = write(model, "Make it 200 words.", thread_id=first["thread_id"])

    assert second["outputs"]["write_story"]["data"]["target"] == 200


def test_what_happens_next_goes_on_with_the_earlier_story(author: Author) -> None:
    first = write(author(), inputs={"length": 300})
    model = author(story_request=[request(kind="continue", length=200)])
    second = write(model, "What happens next? 200 words.", thread_id=first["thread_id"])

    assert second["final_answer"].startswith(first["final_answer"])
    assert second["final_answer"].count("# The Lamp") == 1
    assert second["outputs"]["write_story"]["data"]["target"] == 200


def test_a_role_play_answers_in_character_and_remembers(author: Author) -> None:
    inputs = {"mode": "role_play", "characters": ["Captain Nemo"]}
    first = write(author(), "I knock at the hatch.", inputs=inputs)
    assert first["status"] == "verified", first["report"]
    assert first["final_answer"].startswith('"Who goes there?"')

    model = author(story_turn=['"A friend, then. Come in," says Nemo.'])
    second = write(model, "It is me, Aronnax!", thread_id=first["thread_id"])
    third = write(
        author(story_turn=['"Sit down," he says.']), "Thanks.", thread_id=first["thread_id"]
    )

    asked = next(text for text in model.asked if "You play a character" in text)
    assert "I knock at the hatch." in asked
    assert '"Who goes there?"' in asked
    assert "The person: It is me, Aronnax!" in asked
    assert "Your character: Captain Nemo" in asked
    assert second["outputs"]["write_story"]["data"]["request"]["kind"] == "role_play"
    assert third["final_answer"] == '"Sit down," he says.'


def test_a_turn_that_falls_out_of_its_role_is_played_again(author: Author) -> None:
    turns = ["As an AI language model, I cannot.", "作为一个人工智能，我不能。", '"Aye!"']
    model = author(
        story_turn=turns, coordinator=[decision("rewrite_story")] * 2 + [decision("complete")]
    )
    inputs = {"mode": "role_play", "characters": ["Nemo"]}
    result = write(model, "Ahoy!", inputs=inputs)

    assert result["status"] == "verified", result["report"]
    assert result["final_answer"] == '"Aye!"'


def test_what_another_workflow_found_is_material(author: Author) -> None:
    model = author(
        choosing=[decision("solve_math"), decision("write_story"), decision("complete")],
        coordinator=[decision("execution"), decision("complete")],
    )
    result = run_task("What do 12 pens at 3 dollars cost? Then a story about it.", model=model)

    assert result["workflow"] == "write_story"
    assert result["final_answer"].startswith("# The Lamp")


def test_a_reader_sees_the_story_grow(author: Author) -> None:
    events: list[dict[str, Any]] = []
    result = write(author(), inputs={"length": 300}, on_event=events.append)

    shown = [event["summary"] for event in events if event["type"] == "progress"]
    segments = result["outputs"]["write_story"]["data"]["segments"]
    assert shown[0].startswith("The Lamp: ")
    assert shown[1:] == segments


def test_a_story_that_was_stopped_goes_on_with_the_next_part(author: Author) -> None:
    write_on = writer()
    model = author(story_part=[write_on, ModelError("the server is gone")])
    stopped = write(model, inputs={"length": 300})
    assert stopped["status"] == "failed"
    assert "the server is gone" in stopped["error"]

    again = author(story_part=[write_on])
    result = resume_task(stopped["task_id"], model=again)
    assert result["status"] == "verified", result["report"]
    assert sum("You are a storyteller" in text for text in again.asked) == 2, (
        "the first one is kept"
    )
    assert not any("You plan stories" in text for text in again.asked)
    assert result["usage"]["calls"] > 3
