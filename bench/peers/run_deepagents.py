"""deepagents, whose own file tools work on the workspace; the equivalent ones are left out, but for
deleting, which asks."""

from chat import build_model, build_tools, converse
from deepagents import create_deep_agent
from deepagents.backends import FilesystemBackend
from deepagents.middleware.filesystem import FilesystemMiddleware

from tools import SYSTEM, read_order

OWN = {"file_list", "file_read", "file_search", "file_write", "file_edit"}

order = read_order()
backend = FilesystemBackend(order["workspace"], virtual_mode=True)
files = FilesystemMiddleware(
    backend=backend, tools=["ls", "read_file", "write_file", "edit_file", "glob", "grep"]
)
agent = create_deep_agent(
    model=build_model(order),
    tools=[tool for tool in build_tools(order) if tool.name not in OWN],
    system_prompt=SYSTEM,
    backend=backend,
    middleware=[files],
)
converse(agent, order)
