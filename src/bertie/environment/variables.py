"""The environment variables that Bertie and its libraries read, without their secrets."""

import os
import re
from collections.abc import Mapping

HIDDEN = "set, hidden"

# Bertie's own, the hub client's, tokenizers', pip's, Lance's, OpenTelemetry's.
_PREFIXES = (
    "BERTIE_",
    "HF_",
    "HUGGINGFACE_",
    "HUGGING_FACE_",
    "LANCE_",
    "OTEL_",
    "PIP_",
    "RAYON_",
    "TOKENIZERS_",
    "TRANSFORMERS_",
)
# What Bertie or these read besides, and NumPy's threads.
_NAMES = frozenset(
    {
        "ALL_PROXY",
        "CURL_CA_BUNDLE",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "NO_PROXY",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "PYSPARK_PYTHON",
        "RAY_ADDRESS",
        "REQUESTS_CA_BUNDLE",
        "SOURCE_DATE_EPOCH",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "XDG_CACHE_HOME",
    }
)
_SECRET_NAME = re.compile(
    r"TOKEN(?!IZ)|KEY|SECRET|PASS|PWD|CREDENTIAL|AUTH|BEARER|COOKIE|HEADERS|PRIVATE|SIGNATURE"
)
_COUNT = re.compile(r"\s*\d{1,9}\s*", re.ASCII)
_HUB_TOKEN = re.compile(r"hf_\w{8,}")
_SCHEME = re.compile(r"(https?|socks[45][ah]?|grpcs?|ray|file)://", re.ASCII | re.IGNORECASE)
_BEHIND = re.compile(r"[/?#&;,\s]")
_HOST = re.compile(r"[\w.:\[\]-]*")


def variables(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """List the variables that change what Bertie does, by name, as they can be shown to anybody.

    Args:
        environ: all variables; None is the process's.
    Returns: HIDDEN instead of a value whose name says that it is secret; of an address the scheme
        and the host alone, for its user, path and query may be secret.
    """
    environ = os.environ if environ is None else environ
    read = (name for name in environ if _is_read(name.upper()))
    return {name: _shown(name.upper(), environ[name]) for name in sorted(read)}


def _is_read(name: str) -> bool:
    return name.startswith(_PREFIXES) or name in _NAMES


def _shown(name: str, value: str) -> str:
    """Give a variable's value without what may be secret in it."""
    # BERTIE_BATCH_TOKENS and its kin count tokens of another kind.
    counts = name.endswith("_TOKENS") and _COUNT.fullmatch(value)
    if _SECRET_NAME.search(name) and not counts:
        return HIDDEN
    return _without_credentials(_HUB_TOKEN.sub("***", value))


def _without_credentials(value: str) -> str:
    """Leave of an address, also of one without a scheme, what can't be secret."""
    if "@" not in value and "://" not in value:
        return value
    scheme = _SCHEME.match(value)
    rest = value[scheme.end() :] if scheme else value.partition("://")[2] or value
    authority = _BEHIND.split(rest, maxsplit=1)[0]
    path = rest[len(authority) :]
    _, at, host = authority.rpartition("@")
    if "@" in path or not _HOST.fullmatch(host):  # a password may hold what ends an authority
        at, host, path = "", "***", ""
    hidden = "***@" if at else ""
    return f"{scheme[0] if scheme else ''}{hidden}{host}{'/***' if path not in ('', '/') else ''}"
