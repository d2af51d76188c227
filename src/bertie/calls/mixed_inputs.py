"""Texts and pairs of texts in one call: each kind tokenized by itself, back in their order."""

from collections.abc import Callable

import numpy as np

from bertie.calls.texts import Texts
from bertie.engine.batching import gather
from bertie.tokenize import PackedEncodings


def encode_mixed(encode: Callable[[Texts], PackedEncodings], texts: Texts) -> PackedEncodings:
    """Encode inputs that are all pairs or none, those of a mixed call in two steps.

    Args:
        encode: takes texts of one kind.
        texts: of either kind.
    """
    paired = [second is not None for second in texts.second]
    if all(paired) or not any(paired):
        return encode(texts)
    kinds = [
        [i for i, is_pair in enumerate(paired) if is_pair is wanted] for wanted in (False, True)
    ]
    single, pair = (
        encode(Texts(tuple(texts.first[i] for i in kind), tuple(texts.second[i] for i in kind)))
        for kind in kinds
    )
    order = np.argsort(np.array(kinds[0] + kinds[1]), kind="stable")
    lengths = np.concatenate([single.lengths, pair.lengths])
    ids, type_ids, lengths = gather(
        np.concatenate([single.ids, pair.ids]),
        np.concatenate([single.type_ids, pair.type_ids]),
        lengths,
        order,
    )
    truncated = np.concatenate([single.truncated, pair.truncated])[order]
    return PackedEncodings(ids, type_ids, lengths, truncated)
