"""Training a WordPiece vocabulary from text, by the `tokenizers` package."""

from collections.abc import Iterable, Iterator, Sequence

from bertie.errors import InputError
from bertie.tokenize.classes import BERT
from bertie.tokenize.inputs import check_text
from bertie.tokenize.vocab import Vocab


def train(
    texts: Iterable[str],
    *,
    size: int = 30522,
    lower: bool = True,
    strip_accents: bool | None = None,
    min_count: int = 2,
    special_tokens: Sequence[str] = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    max_alphabet: int = 1000,
) -> Vocab:
    """Learn a vocabulary, to be used with the same lower-casing.

    Args:
        texts: read once, as they come.
        size: tokens at most, special ones and the alphabet included.
        strip_accents: None: as lower.
        min_count: a piece seen less often is no token.
        special_tokens: the first tokens.
        max_alphabet: characters that are tokens of their own, the commonest first.
    Returns: the vocabulary, special tokens first. Of pieces that are equally common, the package
        may choose others from run to run.
    Raises: InputError: a text is none, or the size is too small for the special tokens.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    if isinstance(texts, str | bytes):
        raise InputError(f"texts is one {type(texts).__name__}, expected an iterable of str")
    if size <= len(special_tokens):
        raise InputError(
            f"size is {size}, expected more than the {len(special_tokens)} special tokens"
        )
    tokenizer = Tokenizer(models.WordPiece({}, unk_token=BERT.tokens["unk_token"]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower, strip_accents=strip_accents)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=min_count,
        show_progress=False,
        special_tokens=list(special_tokens),
        limit_alphabet=max_alphabet,
    )
    tokenizer.train_from_iterator(_checked(texts), trainer)
    ids = tokenizer.get_vocab()
    return Vocab(sorted(ids, key=ids.__getitem__))


def _checked(texts: Iterable[str]) -> Iterator[str]:
    for i, text in enumerate(texts):
        check_text(text, f"texts[{i}]")
        yield text
