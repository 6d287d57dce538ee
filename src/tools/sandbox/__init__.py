"""The sandbox: a confined process with resource limits, for Python written by a language model
and for commands of the system."""

from .client import Sandbox, SandboxLimits, SandboxResult, SandboxUnavailable, default_sandbox
from .command import (
    PROGRAM_FOLDERS,
    CommandLimits,
    CommandResult,
    Stop,
    run_command,
)
from .command_rules import find_command_obstacle

__all__ = [
    "PROGRAM_FOLDERS",
    "CommandLimits",
    "CommandResult",
    "Sandbox",
    "SandboxLimits",
    "SandboxResult",
    "SandboxUnavailable",
    "Stop",
    "default_sandbox",
    "find_command_obstacle",
    "run_command",
]
