"""Tools and model of the peers that are built on LangChain."""

from typing import Any

from langchain_core.tools import BaseTool, StructuredTool
from langchain_openai import ChatOpenAI

from tools import Order, build_caller
from tools import converse as converse_by


def build_tools(order: Order) -> list[BaseTool]:
    """Return the tools."""
    return [
        StructuredTool.from_function(
            build_caller(order, tool["name"]),
            name=tool["name"],
            description=tool["description"],
            args_schema=tool["schema"],
            infer_schema=False,
        )
        for tool in order["tools"]
    ]


def build_model(order: Order) -> ChatOpenAI:
    """Return the model."""
    return ChatOpenAI(
        base_url=order["url"],
        api_key=order["key"],
        model=order["model"],
        temperature=0,
        max_tokens=1500,
        max_retries=0,
    )


def converse(agent: Any, order: Order) -> None:
    """Answer the user with a compiled graph."""
    messages: list[Any] = []

    def answer(text: str, first: bool) -> object:
        asked = [*messages, {"role": "user", "content": text}]
        limit = {"recursion_limit": 2 * int(order["steps"]) + 1}
        messages[:] = agent.invoke({"messages": asked}, limit)["messages"]
        return messages[-1].content

    converse_by(answer)
