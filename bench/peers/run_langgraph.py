"""LangGraph's prebuilt ReAct agent."""

from chat import build_model, build_tools, converse
from langgraph.prebuilt import create_react_agent

from tools import SYSTEM, read_order

order = read_order()
converse(create_react_agent(build_model(order), build_tools(order), prompt=SYSTEM), order)
