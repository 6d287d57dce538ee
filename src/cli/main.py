"""The `concertino` command."""

from typing import Any

import click

from .. import __version__
from ..errors import ConcertinoError, InvalidTask, UnknownTask
from ..language.messages import say
from .actions import actions, scenario, undo
from .failures import explain_unforeseen, log_to_file
from .kb import kb
from .router import replay, route, router, train_router
from .service import keys, serve, worker
from .tasks import models, resume, roles, run, solve, tasks, workflows
from .trace import bandit, rate, trace

COMMANDS = (
    *(solve, run, resume, tasks, workflows, roles, models),
    *(actions, undo, scenario),
    *(kb, rate, bandit, trace),
    *(route, router, train_router, replay),
    *(serve, keys, worker),
)


class _Group(click.Group):
    """Shows this package's errors as one line on stderr."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with log_to_file():
                return self._invoke_logged(ctx)
        except ConcertinoError as error:
            click.echo(f"concertino: {error}", err=True)
            if isinstance(error, UnknownTask):
                click.echo(say("cli.list_tasks"), err=True)
            ctx.exit(2 if isinstance(error, InvalidTask) else 1)

    def _invoke_logged(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (ConcertinoError, click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            raise  # the reader of the output has closed the pipe
        except Exception as error:
            explain_unforeseen(error)
            ctx.exit(1)


@click.group(cls=_Group, epilog=say("cli.epilog"), help=say("cli.help"))
@click.version_option(__version__)
def main() -> None:
    pass


for _command in COMMANDS:
    main.add_command(_command)
