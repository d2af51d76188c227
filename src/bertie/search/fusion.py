"""Several rankings made one."""

from collections.abc import Sequence

# The constant of the paper, which found it good on TREC's collections; nothing here tuned it.
_K = 60


def reciprocal_ranks(rankings: Sequence[Sequence[str]]) -> list[tuple[str, float]]:
    """Fuse rankings by reciprocal ranks.

    Args:
        rankings: keys, each ranking's best first and each key once.
    Returns: every key with the sum over the rankings of 1 / (60 + its rank), best first; of equal
        ones the one that an earlier ranking has first.
    Source: Cormack, Clarke and Buettcher, SIGIR 2009, doi:10.1145/1571941.1572114.
    """
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking, start=1):
            scores[key] = scores.get(key, 0.0) + 1 / (_K + rank)
    return sorted(scores.items(), key=lambda item: -item[1])
