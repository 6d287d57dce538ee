"""The action loop: an agent that plans calls of actions, one that asks the user, one that performs."""
