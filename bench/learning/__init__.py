"""Whether it learns: in a simulated world, with real texts, and with a real model."""
