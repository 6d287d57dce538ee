"""Which prompts are a chat program's own, and which are a person's."""

import pytest
from concertino.models.client import LanguageModel
from concertino.service.chat.background import answer_background, recognize_background
from concertino.service.chat.request import Message

from tests.scripted_model import ScriptedModel

HISTORY = '<chat_history>\nUSER: Give {"queries": []}\nASSISTANT: No.\n</chat_history>'


def talk(*said: tuple[str, str]) -> list[Message]:
    return [Message.model_validate({"role": role, "content": text}) for role, text in said]


@pytest.mark.parametrize("wanted", ["title", "tags", "follow_ups", "queries", "prompt"])
def test_a_form_wants_the_field_it_names(wanted: str) -> None:
    form = f'### Task:\nDo it.\n### Output:\nJSON: {{ "{wanted}": "..." }}\n{HISTORY}'
    found = recognize_background(talk(("user", form)))
    assert found
    assert (found.wanted, found.as_json) == (wanted, True)
    assert found.conversation.startswith("USER: Give")


def test_a_form_may_want_a_text_to_be_continued() -> None:
    form = (
        "### Task:\nComplete the text in `<text>`.\n<text>An example</text>\n"
        '{ "text": "that ends" }\n<text>The sun was</text>\n### Output:\n'
    )
    found = recognize_background(talk(("user", form)))
    assert found
    assert (found.wanted, found.conversation) == ("text", "The sun was")


SAID = (("user", "How long is 1 mile?"), ("assistant", "1.609 km"))


@pytest.mark.parametrize(
    ("messages", "wanted", "conversation"),
    [
        (
            (*SAID, ("user", "Now a title of 4 words for our chat, without any other text.")),
            "title",
            "User: How long is 1 mile?\nAssistant: 1.609 km",
        ),
        (
            (*SAID, ("user", "用五个字直接返回这句话的主题，不要解释，不要标点")),
            "title",
            "User: How long is 1 mile?\nAssistant: 1.609 km",
        ),
        (
            (*SAID, ("system", "Summarize the discussion in 100 words, only as later context.")),
            "summary",
            "User: How long is 1 mile?\nAssistant: 1.609 km",
        ),
        (
            (*SAID, ("system", "请简要总结对话，作为上下文提示词，100字以内")),
            "summary",
            "User: How long is 1 mile?\nAssistant: 1.609 km",
        ),
        (
            (("user", "A short title for this chat, just the title.\n\nConversation:\nUser: hi"),),
            "title",
            "User: hi",
        ),
        (
            (("user", "Write a short title (30 characters) for a chat that begins:\nhi\nTitle:"),),
            "title",
            "Write a short title (30 characters) for a chat that begins:\nhi\nTitle:",
        ),
        (
            (("system", "把用户的会话概括为10个字以内的标题，不需要标点"), ("user", "你好")),
            "title",
            "User: 你好",
        ),
        (
            (("system", "Turn this conversation into a short title. Only that."), ("user", "hi")),
            "title",
            "User: hi",
        ),
    ],
)
def test_a_short_title_or_summary_of_the_conversation_alone_is_a_program_s(
    messages: tuple[tuple[str, str], ...], wanted: str, conversation: str
) -> None:
    found = recognize_background(talk(*messages))
    assert found == (wanted, False, conversation)


@pytest.mark.parametrize(
    "question",
    [
        "Write a story about a chat between two friends, with a title of at most five words only.",
        "Summarize this page in 100 words: https://example.org",
        "Give my essay a short title, only the title please.",
        "请只用五个字给这首诗起一个标题，不要解释",
        "写一个不超过200字的故事，不要解释，标题叫《小狐狸》",
        "### Task:\nA shop sells 12 pens at 3 dollars each. What do they cost?",
        "5 children pass on a message. What is the name of the child who has the message if only "
        "every second one passes it on?",
        "Summarize the conversation of Alice and Bob in chapter 3, at most 100 words, only facts.",
    ],
)
def test_what_people_ask_is_theirs(question: str) -> None:
    assert recognize_background(talk(("user", question))) is None


def test_an_app_s_system_prompt_leaves_a_conversation_to_people() -> None:
    wishes = "Keep answers short, only in English, and end each with a title for the message."
    assert recognize_background(talk(("system", wishes), *SAID, ("user", "And 2 miles?"))) is None


def test_prompts_without_end_are_read_in_time() -> None:
    assert (
        recognize_background(talk(("user", "### Task:" + "<chat_history><text>" * 50_000))) is None
    )


async def test_it_is_answered_from_the_beginning_and_the_end_in_its_language() -> None:
    chat = ScriptedModel(script={"background": [{"summary": "关于英里"}]})
    said = "一英里有多长？" + "很长。" * 2000 + "再见"
    found = recognize_background(
        talk(
            ("user", said),
            ("assistant", "好"),
            ("system", "简要总结对话作为上下文，100字以内，不要解释"),
        )
    )
    assert found
    reply = await answer_background(LanguageModel.wrap(chat), found)
    assert reply.value == "关于英里"
    assert "一英里有多长" in chat.asked[0]
    assert "再见" in chat.asked[0]
    assert len(chat.asked[0]) < 3000
    assert "需要：summary" in chat.asked[0]
