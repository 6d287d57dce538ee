"""What agents work with: the sandbox, exact answers, pages, web search, fences."""
