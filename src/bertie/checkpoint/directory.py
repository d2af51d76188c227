"""A checkpoint's directory: its config and its tensors under their canonical names."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertie.checkpoint.config import EncoderConfig
from bertie.checkpoint.files import read_object
from bertie.checkpoint.formats import FORMATS
from bertie.checkpoint.names import WRAPPERS, canonical, other_architecture, split, ties, unwrap
from bertie.checkpoint.settings import class_names
from bertie.checkpoint.tensor import FLOAT_DTYPES, Tensor
from bertie.checkpoint.weights import (
    read_weights,
    weight_files,
    weights_config,
    weights_notes,
)
from bertie.errors import CheckpointError, InputError, SourceError
from bertie.known import MODEL_CONFIG, MODEL_FILES, NOTED, check, check_files
from bertie.known.vocabularies import VOCABULARIES, has_vocabulary, refused

CONFIGS = ("config.json", "bert_config.json")
# How names begin that no head has → what is said of those that aren't read.
_UNREAD: Mapping[tuple[str, ...], str] = {
    ("embeddings.", "encoder."): "lie inside the encoder, and neither transformers nor Bertie reads"
    " them: they are of an adapter that isn't merged, of more layers than the config counts, or of"
    " code of the model's own",
    (
        "crf.",
    ): "say which tag may follow which, and neither transformers nor Bertie reads them: each"
    " token gets its own best tag",
}


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Weights and config as trained, mapped and not yet converted.

    Attributes:
        directory: where they lie.
        config: the encoder's sizes and options.
        raw_config: the whole config, as it is in the file.
        tensors: by canonical name, tied ones included.
        tied: tensors that the files leave out, and those that they are.
        ambiguous: canonical names that several tensors of the files have, with the files' names.
        files: the files that hold the weights.
        where: what messages call the config.
        wrappers: keys of WRAPPERS that stood before every name, the outermost first.
    """

    directory: Path
    config: EncoderConfig
    raw_config: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    tied: Mapping[str, str]
    ambiguous: Mapping[str, tuple[str, ...]]
    files: tuple[Path, ...]
    where: str = CONFIGS[0]
    wrappers: tuple[str, ...] = ()

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        config: str | Path | Mapping[str, Any] | None = None,
        activation: str | None = None,
    ) -> "Checkpoint":
        """Read a directory's config and map its weights.

        Args:
            directory: in Hugging Face's layout.
            config: the caller's config instead of the directory's: a file or its content.
            activation: the caller's word for hidden_act.
        Raises: SourceError: the config or the weights are missing.
        Raises: CheckpointError: they are broken or unsupported.
        """
        raw, where = _read_config(directory, config)
        record = EncoderConfig.from_dict(raw, where=where, activation=activation)
        architecture, inner = record.architecture, raw.get("inner_group_num", 1)
        found, wrappers = unwrap(read_weights(directory))
        if raw.get("model_type") is None:
            _check_guess(found, record, where)
        tensors: dict[str, Tensor] = {}
        file_names: dict[str, list[str]] = {}
        for name, tensor in found.items():
            whole = canonical(name, architecture, inner)
            for own, part in _parts(whole, tensor, record):
                file_names.setdefault(own, []).append(name)
                tensors.setdefault(own, part)
        record = record.decided_by(tensors)
        tied = ties(tensors, architecture, words=_words_tied(raw), classes=class_names(raw))
        tensors.update({name: tensors[of] for name, of in tied.items()})
        ambiguous = {name: tuple(names) for name, names in file_names.items() if len(names) > 1}
        files = weight_files(directory)
        return cls(directory, record, raw, tensors, tied, ambiguous, files, where, wrappers)

    def unused(self, used: Iterable[str]) -> tuple[str, ...]:
        """List the files' tensors other than those used, given by canonical name."""
        names = {self.tied.get(name, name) for name in used}
        unused = set(self.tensors) - set(self.tied) - names
        file_names = (self.ambiguous.get(name, (self.tensors[name].name,)) for name in unused)
        return tuple(sorted(name for names in file_names for name in names))

    def unread(self, used: Iterable[str]) -> Iterator[str]:
        """Say which tensors inside the encoder, or behind a classifier, nobody reads.

        Args:
            used: canonical names of the encoder's own.
        """
        own = set(used)
        floats = {name for name, tensor in self.tensors.items() if tensor.dtype in FLOAT_DTYPES}
        for beginnings, effect in _UNREAD.items():
            names = sorted(name for name in floats - own if name.startswith(beginnings))
            if names:
                some = ", ".join(names[:2]) + (", …" if len(names) > 2 else "")
                yield f"{len(names)} tensors ({some}) {effect}"

    def notes(self) -> tuple[str, ...]:
        """Say what is worth knowing of the files beside what the config says."""
        wrapped = tuple(
            f"the name of every tensor begins with {wrapper!r}, which {WRAPPERS[wrapper]} puts"
            " there; it is left out"
            for wrapper in self.wrappers
        )
        return (
            *check_files([row for row in MODEL_FILES if row.mark == NOTED], self.directory),
            *check(MODEL_CONFIG, self.raw_config, self.where, where=self.config.model_type),
            *wrapped,
            *weights_notes(self.directory, self.config),
        )


def _words_tied(raw: Mapping[str, Any]) -> bool | None:
    """Read whether a decoder is the word embeddings; None: the config doesn't say."""
    return bool(raw["tie_word_embeddings"]) if "tie_word_embeddings" in raw else None


def _parts(name: str, tensor: Tensor, config: EncoderConfig) -> Iterator[tuple[str, Tensor]]:
    """Give a tensor under its canonical name, or what it stands for."""
    found = split(name, config.architecture)
    if found is None or tensor.dtype not in FLOAT_DTYPES:
        yield name, tensor
        return
    how, names = found
    blocks = config.num_attention_heads if how.by_heads else 1
    # One whose rows can't be shared out stays whole: it matters only if the encoder needs it.
    if not tensor.shape or tensor.shape[0] % (blocks * len(names)):
        yield name, tensor
        return
    for number, own in enumerate(names):
        called = f"{tensor.name}[{own.rpartition('.')[0].rpartition('.')[2]}]"
        yield own, tensor.rows(called, len(names), number, blocks)


def _check_guess(names: Iterable[str], config: EncoderConfig, where: str) -> None:
    """Refuse an architecture that was guessed by a config's keys and that the names deny."""
    other = other_architecture(names, config.architecture)
    if other is not None:
        raise CheckpointError(
            f"{where} has no model_type and looks like one of {config.model_type}, but its"
            f" tensors have the names of {other}: state its model_type in {where}"
        )


def require_files(directory: Path, *, config: bool = True, vocab: bool = True) -> None:
    """Check that a directory has all that a model needs, before anything is read.

    Args:
        directory: in Hugging Face's layout.
        config: whether a config is needed, which the caller may have given; some formats of
            weights tell it themselves.
        vocab: whether a vocabulary is needed, which the caller may have given.
    Raises: SourceError: naming everything that is missing, and what is there.
    Raises: CheckpointError: the weights are of a kind that this version doesn't read, or a file is
        there that changes what they compute and that isn't read.
    """
    check_files(MODEL_FILES, directory)
    missing = []
    if config and not _has(directory, CONFIGS) and not _weights_tell_config(directory):
        missing.append(" or ".join(CONFIGS))
    if not directory.is_dir():
        raise SourceError(f"{directory} is not a directory, expected the encoder's")
    names = {path.name for path in directory.iterdir() if path.is_file()}
    # One that can't be read is refused by the tokenizer, which says what to do with it.
    if vocab and not has_vocabulary(names) and not refused(names):
        missing.append(VOCABULARIES)
    try:
        weight_files(directory)
    except SourceError:
        missing.append(" or ".join(known.files[0] for known in FORMATS))
    if missing:
        raise SourceError(
            f"{directory} is not a model: it lacks {', '.join(missing)}; it has {_list(directory)}"
        )


def _has(directory: Path, names: Iterable[str]) -> bool:
    """Tell whether one of some files is there."""
    return any((directory / name).is_file() for name in names)


def _weights_tell_config(directory: Path) -> bool:
    """Tell whether the weights are of a format that holds a config, and do."""
    try:
        return weights_config(directory) is not None
    except SourceError:
        return False


def _list(directory: Path) -> str:
    """Name what is in a directory, at most ten things."""
    names = sorted(path.name + "/" * path.is_dir() for path in directory.iterdir())
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more if names else "nothing"


def _read_config(
    directory: Path, given: str | Path | Mapping[str, Any] | None
) -> tuple[Mapping[str, Any], str]:
    """Find the config, the caller's first, and say where it is from."""
    if isinstance(given, Mapping):
        return given, "caller's config"
    if given is not None:
        path = Path(given)
        if not path.is_file():
            raise InputError(f"config: there is no file {path}; expected a config.json")
        return read_object(path), f"caller's {path.name}"
    for name in CONFIGS:
        if (directory / name).is_file():
            return read_object(directory / name), name
    told = weights_config(directory)
    if told is not None:
        return told
    raise SourceError(f"{directory} has neither of {', '.join(CONFIGS)}")
