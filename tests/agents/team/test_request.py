"""What a request asks for besides its content, read by program."""

from typing import Any

import pytest
from concertino.agents.team.request import describe_request, read_request
from concertino.language.detect import detect_language


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        ("Write a Python function that adds two numbers.", "code"),
        ("写一个 Python 函数，判断字符串是不是回文。", "code"),
        ("def has_close(numbers, threshold):\n    '''Say whether any two are close.'''", "code"),
        ("Write a SQL query for the ten best customers.", "code"),
        ("Translate this notice into Chinese: The pool is closed.", "translation"),
        ("把这段通知翻译成英文：周五下午停水。", "translation"),
        ("Rewrite this more politely: Send me the file now.", "rewriting"),
        ("把这句话说得委婉一点：你的方案不行。", "rewriting"),
        ("Plan a three-day trip to Rome.", "plan"),
        ("给我列一个去西安三天的行程。", "plan"),
        ("Draft an e-mail to parents about Friday's trip.", "text"),
        ("给家长写一封关于周五郊游的信。", "text"),
        ("Why is the sky blue?", "answer"),
        ("比喻和拟人有什么区别？", "answer"),
        ("Explain the code of conduct of our club.", "answer"),
    ],
)
def test_the_kind_of_work_is_told_by_its_words(task: str, kind: str) -> None:
    assert read_request(task, detect_language(task)).kind == kind


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("Give me three names for a class chat group.", {"items": 3}),
        ("帮我起三个班级群的名字。", {"items": 3}),
        ("给班会出十个点子", {"items": 10}),
        ("Write three sentences about rain.", {"items": None, "sentences": 3}),
        ("用两句话介绍长城。", {"sentences": 2}),
        ("Plan a trip of 5 days.", {"items": None}),
        ("Ask me one question.", {"items": None}),
        ("Give two arguments for and two against school uniforms.", {"items": None}),
        ("给我三个周末去处的建议，每个不超过20字。", {"items": 3, "units": None}),
        ("A slogan for a bike shop, at most 8 words.", {"units": 8, "at_most": True}),
        ("用Python写一个冒泡排序", {"kind": "code", "runs": True}),
        ("Write a regular expression for numbers.", {"kind": "code", "runs": False}),
        ("Write a function flatten(xs) in Python.", {"functions": ("flatten",)}),
        ("Describe the sea in at most 50 words.", {"units": 50, "at_most": True}),
        ("A 100-word notice about the fire drill.", {"units": 100, "at_most": False}),
        ("写一段不超过五十字的通知。", {"units": 50, "at_most": True}),
        ("写200字左右的自我介绍。", {"units": 200, "at_most": False}),
        ("Make a table of the pros and cons of remote work.", {"shape": "table"}),
        ("把下面的内容整理成表格：张三八十分，李四九十分。", {"shape": "table"}),
        ("What is on the table?", {"shape": None}),
        ('Fix this JSON: {"a": 1,, "b": 2}', {"shape": "json", "kind": "rewriting"}),
        ("Give the reasons as bullet points.", {"shape": "list"}),
        ("Write a function add(a, b) in Java.", {"kind": "code", "runs": False}),
        (
            "Write a Python function is_even(n), with three tests.",
            {"runs": True, "tests": 3, "functions": ("is_even",)},
        ),
    ],
)
def test_the_form_is_read_from_its_words(task: str, expected: dict[str, Any]) -> None:
    asked = read_request(task, detect_language(task))._asdict()
    assert {name: asked[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("task", "language"),
    [
        ("把这段通知翻译成英文：周五停水。", "en"),
        ("Translate into Chinese: good morning", "zh"),
        ("请用英文写一封请假信。", "en"),
        ("Translate into French: good morning", None),
        ("How do you say 'thank you' in Chinese?", None),
        ("What is typical in English literature?", "en"),
        ("唐诗在中文里有什么地位？", "zh"),
    ],
)
def test_the_language_of_the_answer_is_that_of_the_question_unless_another_is_named(
    task: str, language: str | None
) -> None:
    assert read_request(task, detect_language(task)).language == language


def test_the_model_is_told_the_form_again_in_the_language_of_the_task() -> None:
    asked = read_request("帮我起三个班级群的英文名字，不超过20字。", "zh")
    assert describe_request(asked, "zh") == "恰好给出 3 个，用编号列表。\n不超过 20 字。"
