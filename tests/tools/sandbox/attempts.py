"""What hostile programs and commands begin with."""

PREAMBLE = """
import ctypes, os, signal, socket, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
done = []
def attempt(action, *arguments, **options):
    try:
        outcome = action(*arguments, **options)
    except BaseException as refusal:
        print(type(refusal).__name__, refusal)
    else:
        done.append((getattr(action, "__name__", "?"), repr(outcome)[:300]))
def call(name, *arguments):
    ctypes.set_errno(0)
    if getattr(libc, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)
"""
"""Every program can `attempt` something. What succeeds is in `done`, which must stay empty."""
