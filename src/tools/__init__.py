"""The agents' tools: the sandbox, exact answers, web pages, web search, fences."""
