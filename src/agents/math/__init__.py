"""The agents of `solve_math`."""
