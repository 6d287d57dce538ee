"""Where Python written by a language model runs: confined, bounded and in another process."""

from .client import Sandbox, SandboxLimits, SandboxResult, SandboxUnavailable, default_sandbox

__all__ = [
    "Sandbox",
    "SandboxLimits",
    "SandboxResult",
    "SandboxUnavailable",
    "default_sandbox",
]
