"""The methods of local models as requests: what they send, and how answers become theirs again.

A row of REMOTE_METHODS is a method of a model's class: its signature is the method's, its inputs
are gathered as the method gathers them, and every argument given goes by its own name.
"""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import Signature, signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.calls.texts import as_list, check_texts, pair_texts, require_pairs
from bertie.errors import InputError
from bertie.tasks.answer import Answer, Reader
from bertie.tasks.classify import Classifier, Label
from bertie.tasks.embed import Embedder, TokenVectors
from bertie.tasks.fill import Filler, Filling
from bertie.tasks.multivector import MultiVectorEmbedder
from bertie.tasks.next_sentence import PairModel
from bertie.tasks.rank import Ranked, Reranker
from bertie.tasks.sparse import SparseEmbedder, SparseVector
from bertie.tasks.tag import Span, Tagger
from bertie.tasks.zero_shot import ZeroShotClassifier

# The arguments of a call → the fields that the request has for its inputs, and whether the caller
# gave just one input.
Gather = Callable[[dict[str, Any]], tuple[dict[str, Any], bool]]
# What the server says of one input, and the request's body → what the local model answers.
Read = Callable[[Any, Mapping[str, Any]], Any]

# What vectors are made of, by the option `output`.
_KINDS: Mapping[str, type[np.generic]] = {
    "float16": np.float16,
    "int8": np.int8,
    "uint8": np.uint8,
    "binary": np.int8,
    "ubinary": np.uint8,
}


def _texts(arguments: dict[str, Any], *, pairs: bool = False) -> tuple[dict[str, Any], bool]:
    """Take one input or several."""
    split = arguments.get("split_words", False)
    items, single = as_list(arguments.pop("inputs"), pairs=pairs, split_words=split)
    check_texts(items, pairs=pairs, split_words=split)
    return {"inputs": items}, single


def _texts_or_pairs(arguments: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    return _texts(arguments, pairs=True)


def _side_by_side(*names: str) -> Gather:
    """Take first and second texts, one of each for all of the other."""

    def gather(arguments: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        first, second = (arguments.pop(name) for name in names)
        split = arguments.get("split_words", False)
        pairs = pair_texts(first, second, (names[0], names[1]), split_words=split)
        return _texts_or_pairs({**arguments, "inputs": pairs})

    return gather


def _pairs(arguments: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Take tuples of two texts."""
    split = arguments.get("split_words", False)
    items, single = as_list(arguments.pop("pairs"), split_words=split)
    require_pairs(check_texts(items, split_words=split), 0, "the document")
    return {"inputs": items}, single


def _documents(arguments: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Take a query and its documents, whose ranks are one answer."""
    query, split = arguments.pop("query"), arguments.get("split_words", False)
    items, single = as_list(arguments.pop("documents"), pairs=False, split_words=split)
    if single:
        raise InputError("documents is one text, expected a list of them")
    check_texts([query, *items], pairs=False, split_words=split)
    return {"query": query, "documents": items}, False


def _vector(given: Any, body: Mapping[str, Any]) -> NDArray[Any]:
    """Read a vector: its numbers as the bytes of float32 in base64, which holds every kind."""
    kind = _KINDS.get(body.get("output", "float32"), np.float32)
    return np.frombuffer(base64.b64decode(given), "<f4").astype(kind)


def _matrix(given: Any, _: Mapping[str, Any]) -> NDArray[np.float32]:
    return np.asarray(given, np.float32)


def _records(kind: type[Any]) -> Read:
    """Read a list of records."""
    return lambda given, _: [kind(**one) for one in given]


def _answers(given: Any, body: Mapping[str, Any]) -> Any:
    """Read a question's answers, or the only one."""
    answers = [Answer(**one) for one in given]
    return answers[0] if body.get("top_k", 1) == 1 else answers


def _ranked(given: Any, _: Mapping[str, Any]) -> Ranked:
    return Ranked(**given)


def _sparse(given: Any, _: Mapping[str, Any]) -> SparseVector:
    return SparseVector(
        np.asarray(given["indices"], np.int32), np.asarray(given["weights"], np.float32)
    )


def _token_vectors(given: Any, body: Mapping[str, Any]) -> TokenVectors:
    offsets = [(start, end) for start, end in given["offsets"]]
    return TokenVectors(given["tokens"], offsets, _matrix(given["vectors"], body))


def _masks(given: Any, _: Mapping[str, Any]) -> list[list[Filling]]:
    return [[Filling(**one) for one in mask] for mask in given]


def _number(given: Any, _: Mapping[str, Any]) -> np.float64:
    return np.float64(given)


@dataclass(frozen=True)
class RemoteMethod:
    """One method.

    Attributes:
        local: the same of a local model.
        gather: takes its inputs out of its arguments.
        read: one input's answer.
        join: many inputs' answers.
        fields: what the request says beside inputs and options.
        route: the server's name for it; "": the method's.
        spread: inputs of its stream as the arguments that it takes itself.
    """

    local: Callable[..., Any]
    gather: Gather
    read: Read
    join: Callable[[Sequence[Any]], Any] = list
    fields: Mapping[str, Any] = field(default_factory=dict)
    spread: Callable[[list[Any]], tuple[Any, ...]] = lambda items: (items,)
    route: str = ""
    signature: Signature = field(init=False)

    def __post_init__(self) -> None:
        """Know the arguments."""
        object.__setattr__(self, "signature", signature(self.local))

    @property
    def name(self) -> str:
        """The method's name."""
        return self.local.__name__

    def body(self, args: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """Make the request's body.

        Returns: the body, and whether the caller gave just one input.
        Raises: TypeError: arguments that the method doesn't take.
        Raises: InputError: something that isn't an input, by its position.
        """
        arguments = self.signature.bind(None, *args, **named).arguments
        arguments.pop("self")
        inputs, single = self.gather(arguments)
        options = {name: _plain(value) for name, value in arguments.items() if value is not None}
        return {**inputs, **options, **self.fields}, single

    def split_stream(
        self, stream: Callable[..., Any], args: tuple[Any, ...], named: Mapping[str, Any]
    ) -> tuple[Iterable[Any], dict[str, Any]]:
        """Take a stream's inputs out of its arguments.

        Args:
            stream: the method of a local model, for any number of inputs.
            args, named: what it was called with.
        Returns: the inputs, and the options.
        Raises: InputError: the inputs are a text, a mapping, or nothing that can be iterated over.
        """
        (_, _), (name, inputs), *options = (
            signature(stream).bind(None, *args, **named).arguments.items()
        )
        if isinstance(inputs, (str, bytes, Mapping)) or not isinstance(inputs, Iterable):
            kind = type(inputs).__name__
            raise InputError(f"{name} is of type {kind}, expected an iterable of {name}")
        return inputs, dict(options)

    def read_answers(self, response: Any, body: Mapping[str, Any], single: bool) -> Any:
        """Read the answers in the response's body: in kind, and in order."""
        found = [self.read(one, body) for one in response["answers"]]
        return found[0] if single else self.join(found)


def _columns(pairs: list[Any]) -> tuple[list[Any], list[Any]]:
    """Take pairs apart."""
    return [one for one, _ in pairs], [two for _, two in pairs]


def _plain(value: Any) -> Any:
    """Turn arrays and tuples into what JSON knows."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value


def _stacked(rows: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Put vectors into one array; of no texts it can't know how wide it would be."""
    return np.stack(rows) if rows else np.zeros((0, 0), np.float32)


def _numbers(rows: Sequence[np.float64]) -> NDArray[np.float64]:
    return np.asarray(rows, np.float64)


_BASE64 = {"encoding_format": "base64"}

REMOTE_METHODS: Mapping[str, RemoteMethod] = {
    remote.name: remote
    for remote in (
        RemoteMethod(Embedder.embed, _texts, _vector, _stacked, _BASE64),
        RemoteMethod(Embedder.embed_tokens, _texts, _token_vectors),
        RemoteMethod(Classifier.classify, _texts_or_pairs, _records(Label)),
        RemoteMethod(ZeroShotClassifier.zero_shot, _texts, _records(Label)),
        RemoteMethod(Reranker.rank, _documents, _ranked),
        RemoteMethod(Reranker.score, _pairs, _number, _numbers),
        RemoteMethod(Tagger.tag, _texts, _records(Span)),
        RemoteMethod(
            Reader.answer, _side_by_side("questions", "contexts"), _answers, spread=_columns
        ),
        RemoteMethod(Filler.fill, _texts, _masks),
        RemoteMethod(
            PairModel.next_sentence,
            _side_by_side("first", "second"),
            _number,
            _numbers,
            spread=_columns,
        ),
        RemoteMethod(SparseEmbedder.embed_sparse, _texts, _sparse),
        RemoteMethod(MultiVectorEmbedder.embed_multi, _texts, _matrix),
        RemoteMethod(MultiVectorEmbedder.rank_multi, _documents, _ranked, route="rank"),
    )
}
