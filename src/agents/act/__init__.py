"""The action loop: agents that plan calls of actions, ask the user, and perform them."""
