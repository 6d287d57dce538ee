"""Whether the router and the bandit learn: in a simulated world, with real texts, and with a real
model."""
