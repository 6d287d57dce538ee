"""Which workflow the Coordinator chooses, and whether it stops when the task is done.

    python -m bench.choosing [--without-router]

Only the Coordinator sees each task, with all workflows to choose from; no workflow is played.
Counts the choices that match the label, and the decisions that were illegal or not made by the
model.
"""

import argparse
import asyncio
import sys
import time

from concertino.context import RunContext
from concertino.graphs.coordinator import coordinator, receive, router
from concertino.state import CoordinatorDecision, Output, Record, TaskState, Verification
from langgraph.runtime import Runtime

TASKS: list[tuple[str, str]] = [
    ("solve_math", "Solve 2x + 7 = 19."),
    ("solve_math", "Tom has 24 marbles and gives a third of them to Ann. How many are left?"),
    ("solve_math", "A snail climbs 3 m by day and slips 2 m by night. When is it up a 10 m wall?"),
    ("solve_math", "小明有36本书，借出四分之一，还剩多少本？"),
    ("solve_math", "求函数 y = x^2 - 4x + 1 的最小值。"),
    ("solve_math", "从前有只猴子，每天吃3个桃子，一周吃了多少个？"),
    ("write_story", "Write a 300-word story about a lighthouse keeper who is afraid of the dark."),
    ("write_story", "Continue this tale: The door creaked, and behind it stood my own shadow."),
    ("write_story", "A fairy tale in which two fractions become friends, please."),
    ("write_story", "写一个关于小刺猬学游泳的童话，四百字左右。"),
    ("write_story", "续写：雨停了，阿宝推开门，发现门口放着一只旧箱子。"),
    ("write_story", "编一个科幻小故事，主角叫林远。"),
    ("teach_explain", "Explain photosynthesis to my grade 5 class, with exercises."),
    ("teach_explain", "A lesson on adding fractions for grade 4."),
    ("teach_explain", "Explain how to solve linear equations, for beginners, with practice."),
    ("teach_explain", "给三年级学生讲解两位数乘法，并出五道练习题。"),
    ("teach_explain", "怎样解一元一次方程？请给初一学生讲一讲并配练习。"),
    ("teach_explain", "为六年级备一节关于水循环的课。"),
    ("rag_qa", "According to my documents, when does the contract end?"),
    ("rag_qa", "What do my notes say about the causes of the war?"),
    ("rag_qa", "Look in our handbook: how many days of leave do trainees get?"),
    ("rag_qa", "根据我的资料，实验室几点关门？"),
    ("rag_qa", "我上传的手册里，报销流程是怎样的？"),
    ("rag_qa", "查一下我的笔记：细胞膜有什么作用？"),
    ("summarize_url", "Summarize https://example.org/news/rivers"),
    ("summarize_url", "What does https://example.com/blog/post-7 say, in three sentences?"),
    ("summarize_url", "概括一下 https://example.cn/article/12 的内容"),
    ("summarize_url", "这个网页讲了什么？https://example.org/zh/page"),
    ("search_qa_strict", "Search the web: who is the mayor of Lyon at present?"),
    ("search_qa_strict", "What is the latest news about the Mars mission?"),
    ("search_qa_strict", "上网查一下今年的诺贝尔文学奖得主是谁。"),
    ("search_qa_strict", "最新的人口普查结果是多少？请搜索。"),
]
OPEN = [
    "Write a Python function is_palindrome(s) that ignores case and punctuation, with three tests.",
    "Translate this notice into Chinese: The pool is closed on Monday.",
    "Compare these two offers: A costs 20 a month, B costs 200 a year but has no support.",
    "Draft an e-mail to parents about Friday's trip to the museum.",
    "What is the difference between a simile and a metaphor?",
    "Give me three names for a class chat group.",
    'Fix this JSON: {"a": 1,, "b": 2}',
    "Write a cover letter for a job as a gardener.",
    "Plan a three-day trip to Rome with two children.",
    "Rewrite this sentence more politely: Send me the file now.",
    "Which is better for a beginner, the guitar or the piano?",
    "Make a table of the pros and cons of remote work.",
    "Write a haiku about rain.",
    "Refactor this code: for i in range(len(xs)): print(xs[i])",
    "Why is the sky blue?",
    "Act as an interviewer and ask me one question.",
    "Create a weekly meal plan without meat.",
    "Write a SQL query for the ten customers with the most orders.",
    "Proofread: Their going to there house.",
    "What does the proverb 'a stitch in time saves nine' mean?",
    "写一个 Python 函数，判断字符串是不是回文，并附三个测试。",
    "把这段通知翻译成英文：周五下午停水。",
    "对比这两份报价：甲每月二十元，乙每年二百元但没有售后。",
    "帮我起三个班级群的名字。",
    "给家长写一封关于周五郊游的信。",
    "比喻和拟人有什么区别？",
    "帮我写一份请假条，明天要去看牙医。",
    "把这句话说得委婉一点：你的方案不行。",
    "给我列一个去西安三天的行程。",
    "写一段自我介绍，我是新来的美术老师。",
    "这段代码哪里错了：print(“你好”)",
    "帮我想一句运动会的口号。",
    "苹果手机和安卓手机哪个更适合老人？",
    "把下面的内容整理成表格：张三八十分，李四九十分。",
    "写一首关于秋天的五言诗。",
    "天空为什么是蓝色的？",
    "“亡羊补牢”是什么意思？",
    "帮我写一条朋友圈文案，主题是毕业旅行。",
    "给新开的面馆写三条广告语。",
    "把这封邮件改得正式一些：老师，作业我明天交行吗",
]
"""Texts that no other workflow is made for; they belong to `team`."""
RUNTIME: Runtime[RunContext] = Runtime(context=RunContext())
DONE = {"en": "This is it, finished as asked for.", "zh": "已经按要求做好了。"}


async def choose(state: TaskState) -> tuple[str, bool]:
    """Return the Coordinator's next decision, and whether the model made it."""
    update = await coordinator(state, RUNTIME)
    decision = update["decision"]
    return (decision.next_action if decision else ""), update["history"][-1].source == "model"


def finished(state: TaskState, workflow: str) -> TaskState:
    """Return the task as it is after this workflow was played to its end."""
    text = DONE[state["language"]]
    return {
        **state,
        "active": workflow,
        "outputs": {workflow: Output(workflow=workflow, status="verified", text=text)},
        "verification_output": Verification(status="PASSED"),
        "history": [
            Record(round=1, actor="coordinator", summary="", decision=_chosen(workflow)),
            Record(round=1, actor=workflow, summary=text),
        ],
    }


def _chosen(workflow: str) -> CoordinatorDecision:
    return CoordinatorDecision(
        reasoning="", next_action=workflow, instructions="", should_continue=True
    )


async def measure(with_router: bool) -> None:
    lines = ["| task | wanted | router | chosen | after it |", "| --- | --- | --- | --- | --- |"]
    right = stopped = by_model = advised = 0
    started = time.perf_counter()
    for wanted, task in TASKS:
        state = await receive({"question": task})
        if with_router:
            state |= await router(state, RUNTIME)
        routing = state.get("routing")
        first = routing.candidates[0] if routing and routing.candidates else None
        chosen, decided = await choose(state)
        after, decided_again = await choose(finished(state, wanted))
        right += chosen == wanted
        advised += first is not None and first.workflow == wanted
        stopped += after == "complete"
        by_model += decided + decided_again
        guess = f"{first.workflow} {first.p:.2f}" if first else "-"
        lines.append(f"| {task} | {wanted} | {guess} | {chosen} | {after} |")
        print(lines[-1], file=sys.stderr, flush=True)
    seconds = (time.perf_counter() - started) / len(TASKS) / 2
    print("\n".join(lines))
    print(f"\nchosen as labelled: {right} of {len(TASKS)}; then complete: {stopped}")
    await measure_open(with_router)
    print(f"the router's first candidate as labelled: {advised}")
    print(f"legal and by the model: {by_model} of {2 * len(TASKS)}; {seconds:.1f} s a decision")


async def measure_open(with_router: bool) -> None:
    """Count the texts that no other workflow is made for and that reach `team` at once."""
    astray: list[str] = []
    for task in OPEN:
        state = await receive({"question": task})
        if with_router:
            state |= await router(state, RUNTIME)
        chosen, _ = await choose(state)
        if chosen != "team":
            astray.append(f"{task} -> {chosen}")
            print(astray[-1], file=sys.stderr, flush=True)
    print(f"open texts that reach their home: {len(OPEN) - len(astray)} of {len(OPEN)}")
    print("\n".join(astray))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--without-router", action="store_true")
    asyncio.run(measure(not parser.parse_args().without_router))


if __name__ == "__main__":
    main()
