"""Seconds until documents are in the knowledge base.

``python -m bench.documents [--limit SECONDS]`` adds a CSV of 1,000 rows and one of 6,000, a PDF of
100 pages and 10 MB of text, each to a new base with the embedded model. After the limit a file is
given up; the share that was done by then is told.
"""

import argparse
import io
import random
import tempfile
import time
from pathlib import Path

from concertino.kb import KnowledgeBase

WORDS = [
    "the",
    "lake",
    "is",
    "long",
    "and",
    "deep",
    "a",
    "teacher",
    "shows",
    "pupils",
    "how",
    "water",
    "boils",
    "at",
    "one",
    "hundred",
    "degrees",
    "while",
    "fractions",
    "decimals",
    "and",
    "triangles",
    "fill",
    "notes",
    "about",
    "rivers",
    "mountains",
    "cities",
    "trains",
]


class OutOfTime(Exception):
    """The limit is reached."""


def write_rows(count: int) -> bytes:
    chance = random.Random(0)  # noqa: S311
    cities = ("York", "Leeds", "Bath", "Ely")
    rows = [f"pupil {n},{chance.randint(0, 100)},{chance.choice(cities)}" for n in range(count)]
    return "\n".join(["name,score,city", *rows, ""]).encode()


def write_prose(size: int) -> str:
    chance = random.Random(0)  # noqa: S311
    sentences: list[str] = []
    total = 0
    while total < size:
        sentence = " ".join(chance.choices(WORDS, k=14)).capitalize() + ". "
        sentences.append(sentence)
        total += len(sentence)
    return "".join(sentences)


def write_pdf(pages: int) -> bytes:
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    name = NameObject
    for number in range(pages):
        page = writer.add_blank_page(595, 842)
        font = DictionaryObject(
            {name("/Type"): name("/Font"), name("/Subtype"): name("/Type1")}
            | {name("/BaseFont"): name("/Helvetica")}
        )
        fonts = DictionaryObject({name("/F1"): font})
        page[name("/Resources")] = DictionaryObject({name("/Font"): fonts})
        prose = write_prose(2500 + number)
        lines = [prose[at : at + 90] for at in range(0, len(prose), 90)]
        shown = " ".join(f"({line}) Tj T*" for line in lines)
        content = DecodedStreamObject()
        content.set_data(f"BT /F1 10 Tf 14 TL 40 800 Td {shown} ET".encode())
        page[name("/Contents")] = writer._add_object(content)
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def measure(path: Path, limit: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        base = KnowledgeBase(folder)
        share = 0.0
        started = time.perf_counter()

        def progress(done: float, total: int, what: str, /) -> None:
            nonlocal share
            share = done / total
            if share < 1 and time.perf_counter() - started > limit:
                raise OutOfTime

        try:
            [added] = base.add_files([path], progress=progress).documents
            chunks = str(added.chunks)
        except OutOfTime:
            chunks = "-"
        taken = time.perf_counter() - started
        size = path.stat().st_size / 1e3
        print(f"| {path.name} | {size:.0f} | {chunks} | {share:.1%} | {taken:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=600, help="seconds a file, 600 by default")
    limit = parser.parse_args().limit
    print("| file | kB | chunks | done | seconds |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        KnowledgeBase(Path(folder) / "warm").add_documents(["The model is loaded."])
        for name, content in (
            ("1,000 rows.csv", write_rows(1000)),
            ("6,000 rows.csv", write_rows(6000)),
            ("100 pages.pdf", write_pdf(100)),
            ("10 MB.txt", write_prose(10_000_000).encode()),
        ):
            path = Path(folder) / name
            path.write_bytes(content)
            measure(path, limit)


if __name__ == "__main__":
    main()
