"""The sandbox for Python written by a language model: a confined process with resource limits."""

from .client import Sandbox, SandboxLimits, SandboxResult, SandboxUnavailable, default_sandbox

__all__ = [
    "Sandbox",
    "SandboxLimits",
    "SandboxResult",
    "SandboxUnavailable",
    "default_sandbox",
]
