"""The Content-Security-Policy of the site, for its host: as strict as its pages allow."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

FILE = "content-security-policy.txt"

_INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*type=\"?application/json)[^>]*>(.*?)</script>", re.DOTALL
)


def write_policy(site: Path) -> None:
    """Write the policy of a built site, one line, beside its pages."""
    hashes = {
        f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
        for page in site.rglob("*.html")
        for script in _INLINE.findall(page.read_text(encoding="utf-8"))
    }
    (site / FILE).write_text(policy(sorted(hashes)) + "\n", encoding="ascii")


def policy(hashes: list[str]) -> str:
    """Return the policy; ``hashes`` are those of the scripts that the theme writes into its pages."""
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(["'self'", "'wasm-unsafe-eval'", *hashes]),  # Python is WebAssembly
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "worker-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())
