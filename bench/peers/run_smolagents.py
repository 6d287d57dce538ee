"""smolagents' agent that calls tools."""

from typing import Any

from smolagents import OpenAIServerModel, Tool, ToolCallingAgent

from tools import SYSTEM, Order, build_caller, converse, read_order

TYPES = {"string", "boolean", "integer", "number", "array", "object"}


def build_tool(order: Order, told: dict[str, Any]) -> Tool:
    """Return a tool as smolagents wants it."""
    required = told["schema"].get("required", [])
    call = build_caller(order, told["name"])

    class Called(Tool):
        name = told["name"]
        description = told["description"]
        output_type = "string"
        skip_forward_signature_validation = True
        inputs = {  # noqa: RUF012 - the library wants it here
            name: {
                "type": field["type"] if field.get("type") in TYPES else "any",
                "description": field.get("description", name),
                **({} if name in required else {"nullable": True}),
            }
            for name, field in told["schema"]["properties"].items()
        }

        def forward(self, **params: Any) -> str:
            return call(**{name: value for name, value in params.items() if value is not None})

    return Called()


def main() -> None:
    """Answer the user."""
    order = read_order()
    model = OpenAIServerModel(
        model_id=order["model"],
        api_base=order["url"],
        api_key=order["key"],
        temperature=0,
        max_tokens=1500,
    )
    agent = ToolCallingAgent(
        tools=[build_tool(order, told) for told in order["tools"]],
        model=model,
        max_steps=int(order["steps"]),
        instructions=SYSTEM,
        verbosity_level=0,
    )
    converse(lambda text, first: agent.run(text, reset=first))


main()
