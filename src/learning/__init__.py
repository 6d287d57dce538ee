"""Results of tasks make the next routing better: trace, reward, bandit, router."""
