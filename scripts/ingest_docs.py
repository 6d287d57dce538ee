"""Add documents to the knowledge base: ``python scripts/ingest_docs.py --paths notes/ book.pdf``.

The same as ``concertino kb add``, for those who look for a script.
"""

import argparse
import sys

from concertino.cli.main import main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paths", nargs="+", required=True, help="files and folders")
    parser.add_argument("--chunk-size", type=int, default=512, help="tokens in a chunk")
    parser.add_argument("--overlap", type=int, default=64, help="tokens repeated in the next")
    given = parser.parse_args()
    sizes = ["--chunk-size", str(given.chunk_size), "--overlap", str(given.overlap)]
    sys.argv = ["concertino", "kb", "add", *sizes, "--", *given.paths]
    main()
