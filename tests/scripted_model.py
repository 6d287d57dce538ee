"""A chat model that reads a script, and what its agents might say."""

import json
from collections.abc import Callable
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

Answer = str | dict[str, Any] | Exception | Callable[[str], str]

TELLTALE = {
    "manager": ("You lead a small team", "你带领一个小团队"),
    "assistant": ("You answer what people ask", "你回答人们的各种请求"),
    "writer": ("You write texts for people", "你替人写各种文字"),
    "translator": ("You are a translator", "你是译者"),
    "planner": ("You make plans that people can follow", "你制定人们能照着做的计划"),
    "programmer": ("You are a careful programmer", "你是一位仔细的程序员"),
    "tester": ("You test programs that you have not seen", "你测试自己没有看过的程序"),
    "background": ("You serve a chat program", "你为一个聊天程序"),
    "json_form": ("You put a finished answer", "你把一个已有的答案"),
    "story_request": ("You read what story", "什么样的故事"),
    "story_plan": ("You plan stories", "为故事拟定情节"),
    "story_summary": ("You summarise a story", "为正在写故事的作者"),
    "story_opinion": ("tells a given event", "是否讲到了某件事"),
    "story_rewrite": ("What was wrong with it", "原来的问题"),
    "story_part": ("You are a storyteller", "你是讲故事的人"),
    "story_turn": ("You play a character", "扮演其中的一个角色"),
    "act_params": ("as JSON (", "的参数（"),
    "act_plan": ("Give a plan as JSON", "用JSON给出计划"),
    "act_done": ("outcome (complete, partial", "outcome（complete"),
    "act_question": ("Ask the user as JSON", "用JSON向用户提问"),
    "act_next": ("You carry out a task over files", "你用动作一步一步"),
    "choosing": ("which workflow does it", "由哪个工作流来做"),
    "restate": ("goes on with an earlier task", "接着之前的任务"),
    "cited_answer": ("numbered passages only", "编号的段落回答"),
    "summary_of_parts": ("summaries of the parts", "各部分的概括"),
    "summary": ("You summarize texts", "忠实地概括文章"),
    "coordinator": ("You are the Coordinator", "协调者"),
    "comprehension": ("You read mathematical problems", "仔细审题"),
    "planning": ("You plan how", "制定解题计划"),
    "repair": ("You mend Python", "你修正"),
    "execution": ("by writing Python", "用Python解题"),
    "lesson_plan": ("You plan lessons", "你为学校备课"),
    "lesson_part": ("You write a lesson", "你为学校写一节课"),
    "lesson_example": ("You write worked examples", "你为学校写例题"),
    "lesson_exercises": ("You write exercises", "你为学校出练习题"),
    "lesson_questions": ("You write questions", "你为学校出检查题"),
    "diagnosis": ("was not confirmed", "没有得到证实"),
    "report": ("worked solutions", "写解答过程"),
    "reasoning": ("reason step by step", "逐步推理"),
}
"""Words by which each agent's prompt is known."""


class ScriptedModel(BaseChatModel):
    """Answers by who is asking, each agent its own list in turn, the last one again and again.

    `asked` keeps every conversation.
    """

    script: dict[str, list[Any]]
    asked: list[str] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        text = "\n".join(str(message.content) for message in messages)
        self.asked.append(text)
        agent = next(name for name, words in TELLTALE.items() if any(w in text for w in words))
        answers = self.script[agent]
        answer: Answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = answer(text)
        content = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        usage = {"input_tokens": len(text) // 4, "output_tokens": len(content) // 4}
        message = AIMessage(content, usage_metadata={**usage, "total_tokens": sum(usage.values())})
        return ChatResult(generations=[ChatGeneration(message=message)])


def comprehension(**changes: Any) -> dict[str, Any]:
    """What a comprehension agent might say."""
    return {
        "givens": ["12 pens at 3 dollars"],
        "unknowns": ["total"],
        "constraints": [],
        "traps": [],
        "missing": [],
        "answer_is": [],
        "problem_type": "word_problem",
        **changes,
    }


def steps(*depends_on: list[int]) -> dict[str, Any]:
    """A plan with one step for each list of dependencies."""
    return {
        "steps": [
            {"id": n, "description": f"step {n}", "tool": "python", "depends_on": needs}
            for n, needs in enumerate(depends_on, 1)
        ]
    }


def decision(next_action: str, instructions: str = "go on") -> dict[str, Any]:
    """What a Coordinator might say."""
    return {
        "reasoning": f"{next_action} is next",
        "next_action": next_action,
        "instructions": instructions,
        "should_continue": next_action != "complete",
    }


def next_action(name: str) -> dict[str, Any]:
    """What a planner of actions might say first."""
    return {"reasoning": f"{name} is next", "next": name}


def done(message: str, *evidence: str, outcome: str = "complete") -> dict[str, Any]:
    """What a planner of actions might say at the end."""
    return {"outcome": outcome, "evidence": list(evidence), "message": message}


def plan(*calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """What a planner of actions might plan to do: the names of actions, with their parameters."""
    return {"goal": "all of it", "steps": [{"action": name, **params} for name, params in calls]}
