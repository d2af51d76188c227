"""sentence-transformers' pooling module: how tokens' states become one vector."""

from collections.abc import Mapping
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.config import Setting
from bertie.checkpoint.files import read_flag
from bertie.errors import CheckpointError

POOLING_MODES = ("mean", "cls", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")

# Booleans of older pooling configs → the mode, in the order in which several are concatenated.
_FLAGS: Mapping[str, str] = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


def read_pooling(raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Read a pooling module's modes, in either of its two forms.

    Args:
        raw: the JSON object of its file.
        where: what messages call that.
    Returns: fields of SentenceLayout.
    Raises: CheckpointError: a mode that isn't supported, or a wrong value.
    """
    said = {flag: read_flag(raw, flag, where, default=False) for flag in _FLAGS}
    flags = [mode for flag, mode in _FLAGS.items() if said[flag]]
    stated = raw.get("pooling_mode")
    modes = flags if stated is None else [stated] if isinstance(stated, str) else stated
    names = isinstance(modes, list) and all(isinstance(mode, str) for mode in modes)
    if not names or (stated is not None and not modes):
        raise CheckpointError(f"{where}: pooling_mode is {shown(stated)}, expected mode names")
    unsupported = [mode for mode in modes if mode not in POOLING_MODES]
    if unsupported:
        raise CheckpointError(
            f"{where}: pooling mode {', '.join(unsupported)} is not supported;"
            f" supported: {', '.join(POOLING_MODES)}"
        )
    include = read_flag(raw, "include_prompt", where, default=True)
    keys = ("pooling_mode",) if stated is not None else tuple(flag for flag in said if said[flag])
    found: dict[str, Any] = {
        "pooling": Setting(
            tuple(modes) or ("mean",), f"{where}: {', '.join(keys)}" if modes else "default"
        ),
        "pooling_width": _width(raw, where),
    }
    if "include_prompt" in raw:
        found["include_prompt"] = Setting(include, f"{where}: include_prompt")
    return found


def _width(raw: Mapping[str, Any], where: str) -> Setting | None:
    """Read the hidden size that a pooling module states."""
    for key in ("embedding_dimension", "word_embedding_dimension"):
        if key in raw:
            return Setting(raw[key], f"{where}: {key}")
    return None
