"""Fencing of untrusted text in prompts, so that it cannot pass for part of the prompt."""

import hashlib
import re

_TAG_CHARS = 8
_LABEL_CHARS = 200


def fence(text: str, label: str) -> str:
    """Enclose a text between an opening and a closing line whose tag does not occur in it.

    The tag depends only on text and label, so the same evidence gives the same prompt and hits
    the model's cache. No text can close its own fence.

    Args:
        text: Text of a page, a document or a search result.
        label: Its name in the prompt, for example `1` or an address; reduced to one plain line.
    """
    name = re.sub(r'[\s<>"]+', " ", label).strip()[:_LABEL_CHARS]
    tag = _compute_tag(f"{name}\n{text}")
    while tag in text or tag in name:
        tag = _compute_tag(f"{tag}\n{name}\n{text}")
    return f'<evidence-{tag} label="{name}">\n{text}\n</evidence-{tag}>'


def _compute_tag(seed: str) -> str:
    return hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:_TAG_CHARS]
