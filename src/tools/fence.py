"""Puts text from pages and documents into a prompt as data that cannot pass for the prompt."""

import hashlib
import re

_TAG_CHARS = 8
_LABEL_CHARS = 200


def fence(text: str, label: str) -> str:
    """The text between an opening and a closing line whose tag does not occur in it.

    The tag follows from text and label alone, so the same evidence makes the same prompt and
    is found in the model's cache; whatever a text says, it cannot close its own fence.

    Args:
        text: From a page, a document or a search result.
        label: What the prompt calls it, for example `1` or an address; made one plain line.
    """
    name = re.sub(r'[\s<>"]+', " ", label).strip()[:_LABEL_CHARS]
    tag = _compute_tag(f"{name}\n{text}")
    while tag in text or tag in name:
        tag = _compute_tag(f"{tag}\n{name}\n{text}")
    return f'<evidence-{tag} label="{name}">\n{text}\n</evidence-{tag}>'


def _compute_tag(seed: str) -> str:
    return hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:_TAG_CHARS]
