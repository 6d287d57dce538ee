"""Learning to route from task results: trace, reward, bandit, router."""
