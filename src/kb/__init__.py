"""The local knowledge base: load, split, embed, store, retrieve."""

from .base import KnowledgeBase, default_folder
from .contracts import (
    AddedDocument,
    Document,
    DocumentSummary,
    EmbedderMismatch,
    Hit,
    IngestReport,
    KnowledgeBaseError,
    Skipped,
    Stats,
    UnknownDocument,
)

__all__ = [
    "AddedDocument",
    "Document",
    "DocumentSummary",
    "EmbedderMismatch",
    "Hit",
    "IngestReport",
    "KnowledgeBase",
    "KnowledgeBaseError",
    "Skipped",
    "Stats",
    "UnknownDocument",
    "default_folder",
]
