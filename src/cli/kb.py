"""The `concertino kb` commands: the local knowledge base."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import InvalidTask
from ..language.messages import say

if TYPE_CHECKING:
    from ..kb import Hit, IngestReport
    from ..kb.contracts import IngestProgress

MAX_SHOWN = 20
"""Maximum number of skipped files listed; for the rest only the count is shown."""


@click.group(help=say("cli.kb.help"), epilog=say("cli.kb.epilog"))
def kb() -> None:
    pass


@kb.command(help=say("cli.kb.add.help"), epilog=say("cli.kb.add.epilog"))
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--chunk-size", default=512, show_default=True, help=say("cli.kb.option.chunk_size"))
@click.option("--overlap", default=64, show_default=True, help=say("cli.kb.option.overlap"))
@click.option("--encoding", help=say("cli.kb.option.encoding"))
@click.option("--embedder", help=say("cli.kb.option.embedder"))
@click.option("--quiet", is_flag=True, help=say("cli.kb.option.quiet"))
def add(
    paths: tuple[Path, ...],
    chunk_size: int,
    overlap: int,
    encoding: str | None,
    embedder: str | None,
    quiet: bool,
) -> None:
    from ..kb import KnowledgeBase

    with _show_progress(say("kb.adding"), quiet) as progress:
        report = KnowledgeBase(embedder=embedder).add_files(
            paths, encoding=encoding, chunk_size=chunk_size, overlap=overlap, progress=progress
        )
    _print_skipped(report)
    if not quiet:
        _print_encodings(report)
        click.echo(
            say(
                "kb.report",
                added=report.count("added"),
                replaced=report.count("replaced"),
                unchanged=report.count("unchanged"),
                skipped=len(report.skipped),
                chunks=sum(document.chunks for document in report.documents),
            )
        )
    if not report.documents:
        click.echo(f"concertino: {say('kb.nothing_added')}", err=True)
        sys.exit(1)


@kb.command("list", help=say("cli.kb.list.help"))
@click.option("--json", "as_json", is_flag=True, help=say("cli.option.json_list"))
def list_(as_json: bool) -> None:
    from ..kb import KnowledgeBase

    documents = KnowledgeBase().documents()
    if as_json:
        rows = [document.model_dump(mode="json") for document in documents]
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    if not documents:
        click.echo(say("kb.empty"), err=True)
    for document in documents:
        click.echo(
            f"{document.doc_id}  {document.added:%Y-%m-%d %H:%M}  {document.chunks:>5}  "
            f"{document.source}"
        )


@kb.command(help=say("cli.kb.remove.help"), epilog=say("cli.kb.remove.epilog"))
@click.argument("document", metavar="ID_OR_SOURCE")
def remove(document: str) -> None:
    from ..kb import KnowledgeBase

    click.echo(say("kb.removed", count=len(KnowledgeBase().remove(document))))


@kb.command(help=say("cli.kb.search.help"), epilog=say("cli.kb.search.epilog"))
@click.argument("question")
@click.option(
    "--top-k",
    type=click.IntRange(1, 1000),
    default=5,
    show_default=True,
    help=say("cli.kb.option.top_k"),
)
@click.option("--json", "as_json", is_flag=True, help=say("cli.option.json_list"))
def search(question: str, top_k: int, as_json: bool) -> None:
    from ..kb import KnowledgeBase

    if not question.strip():
        raise InvalidTask(say("invalid.empty"))
    hits = KnowledgeBase().retrieve(question, top_k)
    if as_json:
        click.echo(json.dumps([hit.model_dump() for hit in hits], ensure_ascii=False))
        return
    if not hits:
        click.echo(say("kb.empty"), err=True)
    for number, hit in enumerate(hits, start=1):
        click.echo(_format_hit(number, hit))


@kb.command(help=say("cli.kb.stats.help"))
@click.option("--json", "as_json", is_flag=True, help=say("cli.kb.option.json"))
def stats(as_json: bool) -> None:
    from ..kb import KnowledgeBase

    found = KnowledgeBase().stats()
    if as_json:
        click.echo(found.model_dump_json())
        return
    fields = found.model_dump() | {"embedder": found.embedder or "-", "megabytes": found.size / 1e6}
    click.echo(say("kb.stats", **fields))


@kb.command(help=say("cli.kb.reembed.help"), epilog=say("cli.kb.reembed.epilog"))
@click.option("--embedder", required=True, help=say("cli.kb.option.embedder"))
@click.option("--quiet", is_flag=True, help=say("cli.kb.option.quiet"))
def reembed(embedder: str, quiet: bool) -> None:
    from ..kb import KnowledgeBase

    with _show_progress(say("kb.embedding"), quiet) as progress:
        chunks = KnowledgeBase().reembed(embedder, progress=progress)
    if not quiet:
        click.echo(say("kb.reembedded", chunks=chunks, embedder=embedder))


def _print_skipped(report: "IngestReport") -> None:
    for skipped in report.skipped[:MAX_SHOWN]:
        click.echo(say("kb.skipped.line", source=skipped.source, reason=skipped.message), err=True)
    if len(report.skipped) > MAX_SHOWN:
        click.echo(say("kb.skipped.more", count=len(report.skipped) - MAX_SHOWN), err=True)


def _print_encodings(report: "IngestReport") -> None:
    """Name the files whose encoding was guessed, or given: all that are not UTF-8."""
    for document in report.documents[:MAX_SHOWN]:
        if document.encoding not in (None, "utf-8"):
            line = say("kb.encoding.line", source=document.source, encoding=document.encoding)
            click.echo(line, err=True)


def _format_hit(number: int, hit: "Hit") -> str:
    where = f"{hit.source} > {hit.heading}" if hit.heading else hit.source
    figures = say("kb.hit", score=hit.score, similarity=hit.similarity, keywords=hit.keyword_score)
    text = " ".join(hit.text.split())
    return f"[{number}] {where}\n    {figures}\n    {text[:300]}{'…' * (len(text) > 300)}"


@contextmanager
def _show_progress(what: str, quiet: bool) -> "Iterator[IngestProgress]":
    """Show a progress bar on stderr if it is a terminal."""
    from rich import progress
    from rich.console import Console

    with progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.fields[name]}", markup=False),
        console=Console(stderr=True),
        disable=quiet or not sys.stderr.isatty(),
        transient=True,
    ) as bar:
        task = bar.add_task(what, total=None, name="")

        def update(done: float, total: int, name: str, /) -> None:
            bar.update(task, completed=done, total=total, name=Path(name).name[:40])

        yield update
