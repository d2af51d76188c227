"""Gold files: examples with the answers that people gave, in the formats that data sets come in."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shown
from typing import Any, TypeVar

from bertie import tables
from bertie.errors import InputError
from bertie.rows.json_lines import members

# What data sets call their columns, in lower case: a text, a second one, a class, a number.
_TEXT = ("sentence", "text", "sentence1", "sentence_a", "premise", "question1")
_PAIR = ("sentence2", "sentence_b", "hypothesis", "question2", "text_pair")
_LABEL = ("label", "entailment_judgment", "gold_label")
_SCORE = ("score", "relatedness_score", "similarity")
_DOCUMENT_START = "-DOCSTART-"

_Kind = TypeVar("_Kind")


@dataclass(frozen=True)
class Labelled:
    """A text, or a pair of texts, and its class."""

    text: str
    pair: str | None
    label: str


@dataclass(frozen=True)
class Scored:
    """Two texts and how alike they are, on the data set's own scale."""

    text: str
    pair: str
    score: float


@dataclass(frozen=True)
class Tagged:
    """A sentence's words and a tag for each."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """A question on a context and the answers that are right; none where it has none."""

    id: str
    question: str
    context: str
    answers: tuple[str, ...]


def read_labelled(path: Path) -> list[Labelled]:
    """Read texts with classes: SST-2 and its like, SICK's entailment.

    Args:
        path: a .csv, or a file with tabs between columns; with a header that names the columns
            (sentence or text, label; sentence_A, sentence_B, entailment_judgment; …), or without
            one the text, perhaps a second text, and the label.
    Raises: InputError: it can't be read, or a row lacks a column.
    """
    return [
        Labelled(row["text"], row.get("pair"), row["label"])
        for _, row in _columns(path, {"text": _TEXT, "pair": _PAIR, "label": _LABEL})
    ]


def read_texts(path: Path) -> list[str]:
    """Read texts alone, one a line; empty lines don't count.

    Raises: InputError: it can't be read, or holds no text.
    """
    texts = [str(row.fields["text"]).strip() for row in tables.read(path, format="lines")]
    return _require_some([text for text in texts if text], path, "texts")


def read_scored(path: Path) -> list[Scored]:
    """Read pairs with a number: STS-B, SICK's relatedness.

    Args:
        path: as for read_labelled, with score or relatedness_score instead of the label.
    Raises: InputError: as read_labelled; a score that is no number.
    """
    wanted = {"text": _TEXT, "pair": _PAIR, "score": _SCORE}
    return [
        Scored(row["text"], row["pair"], _number(row["score"], path, line))
        for line, row in _columns(path, wanted)
    ]


def read_tagged(path: Path) -> list[Tagged]:
    """Read words with tags: CoNLL's columns, the word first and its tag last.

    Args:
        path: one word a line, its columns apart by tabs or spaces, sentences by blank lines; lines
            of -DOCSTART- don't count.
    Raises: InputError: it can't be read, holds no sentence, or a line has one column.
    """
    sentences, words, tags = [], [], []
    for row in (*tables.read(path, format="lines"), None):
        text = "" if row is None else str(row.fields["text"])
        # A word may be a space of its own kind, so that tabs come first.
        columns = text.split("\t") if "\t" in text else text.split()
        if text.strip() and (len(columns) < 2 or not columns[-1].strip()):
            raise _error(
                path,
                row.line if row else 0,
                f"{shown(text)} has one column or no tag, expected a word and its tag",
            )
        if text.strip() and columns[0] != _DOCUMENT_START:
            words.append(columns[0])
            tags.append(columns[-1].strip())
        elif words:
            sentences.append(Tagged(tuple(words), tuple(tags)))
            words, tags = [], []
    return _require_some(sentences, path, "sentences")


def read_questions(path: Path) -> list[Question]:
    """Read questions on contexts: SQuAD's JSON, of version 1.1 or 2.0.

    Raises: InputError: it can't be read, or isn't laid out like that.
    """
    try:
        raw = json.loads(path.read_bytes(), object_pairs_hook=members)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    questions = [
        Question(
            _text(one, "id", path),
            _text(one, "question", path),
            _text(paragraph, "context", path),
            tuple(_text(answer, "text", path) for answer in _list(one, "answers", path)),
        )
        for article in _list(raw, "data", path)
        for paragraph in _list(article, "paragraphs", path)
        for one in _list(paragraph, "qas", path)
    ]
    if len({question.id for question in questions}) < len(questions):
        raise InputError(f"{path}: two questions have the same id, expected each its own")
    return _require_some(questions, path, "questions")


def read_relevance(path: Path) -> dict[str, dict[str, float]]:
    """Read judgements of relevance: TREC's qrels, BEIR's tables.

    Args:
        path: lines of query, document and relevance, apart by tabs or spaces; TREC has a column
            that nobody reads after the query, BEIR a header.
    Returns: by query, by document, how relevant it is.
    Raises: InputError: it can't be read, or a line isn't like that.
    """
    found: dict[str, dict[str, float]] = {}
    for row in tables.read(path, format="lines"):
        text = str(row.fields["text"])
        # Between tabs an id may have spaces.
        columns = [one.strip() for one in text.split("\t")]
        columns = columns if len(columns) in (3, 4) else text.split()
        if not columns or (row.line == 1 and columns[-1] == "score"):
            continue
        if len(columns) not in (3, 4):
            raise _error(
                path,
                row.line,
                f"{len(columns)} columns, expected a query, a document and a relevance",
            )
        relevance = _number(columns[-1], path, row.line)
        query, document = columns[0], columns[-2]
        if found.setdefault(query, {}).setdefault(document, relevance) != relevance:
            raise _error(
                path,
                row.line,
                f"{shown(document)} is judged {relevance:g} for {shown(query)}, but"
                f" {found[query][document]:g} before; keep one",
            )
    if not found:
        raise InputError(f"{path} holds no judgements")
    return found


def _columns(
    path: Path, wanted: Mapping[str, Sequence[str]]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Read a table's columns by our names: those of its header, or the first ones and the last."""
    delimiter = "," if path.suffix.lower() == ".csv" else "\t"
    lines = (f"{row.fields['text']}\n" for row in tables.read(path, format="lines"))
    indices: dict[str, int] = {}
    width = 0
    if delimiter == ",":
        reader = csv.reader(lines, strict=True)  # else a quote left open swallows rows
    else:  # between tabs a quotation mark is one
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    tables.allow_long_fields()
    for row in _parse(reader, path):
        if not indices:
            width = len(row)
            indices, header = _find_columns(row, wanted, path)
            if header:
                continue
        if len(row) != width:
            raise _error(path, reader.line_num, f"{len(row)} columns, expected {width}")
        yield reader.line_num, {name: row[index] for name, index in indices.items()}
    if not indices:
        raise InputError(f"{path} is empty, expected rows of {', '.join(wanted)}")


def _parse(reader: Any, path: Path) -> Iterator[list[str]]:
    """Give the rows that aren't blank. Raises: InputError: one isn't CSV."""
    try:
        yield from filter(None, reader)
    except csv.Error as error:
        raise _error(path, reader.line_num, f"not well-formed CSV: {error}") from error


def _find_columns(
    first: Sequence[str], wanted: Mapping[str, Sequence[str]], path: Path
) -> tuple[dict[str, int], bool]:
    """Find where the columns stand, and whether the first row is a header."""
    lower = [column.strip().lower() for column in first]
    *texts, last = wanted
    named = {
        name: next(lower.index(known) for known in names if known in lower)
        for name, names in wanted.items()
        if any(known in lower for known in names)
    }
    if last in named and "text" in named:
        twice = [lower[index] for index in named.values() if lower.count(lower[index]) > 1]
        if twice:
            raise InputError(f"{path}: its header has {twice[0]!r} twice; rename one")
        if "pair" not in named and last == "score":
            raise InputError(f"{path}: its header {shown(lower)} names no second text")
        return named, True
    if named:  # a header that isn't understood would count as an example
        seen = next(column for column in lower if any(column in wanted[name] for name in named))
        lacking = "text" if last in named else last
        raise InputError(
            f"{path}: its first row {shown(list(first))} has {seen!r}, which names a column, but"
            f" none of {', '.join(wanted[lacking])}; expected a header that names the {lacking},"
            " too, or rows without one"
        )
    if not 2 <= len(first) <= 3 or (last == "score" and len(first) != 3):
        raise InputError(
            f"{path}: its first row has {len(first)} columns, {shown(list(first))}; expected a"
            f" header that names text and {last}, or {', '.join(wanted)} in this order"
        )
    return dict(zip([*texts[: len(first) - 1], last], range(len(first)), strict=True)), False


def _number(text: str, path: Path, line: int) -> float:
    """Read a number; none of them is NaN or infinite."""
    found = tables.read_number(text.strip())
    if found is None:
        raise _error(path, line, f"{shown(text)} is no number")
    return found


def _list(value: Any, key: str, path: Path) -> list[Any]:
    """Read a list of a JSON object; one that is absent has nothing in it."""
    listed = value.get(key, []) if isinstance(value, dict) else None
    if not isinstance(listed, list):
        raise InputError(f"{path}: {key} is {shown(listed)}, expected a list as SQuAD has it")
    return listed


def _text(value: Any, key: str, path: Path) -> str:
    """Read a text of a JSON object."""
    text = value.get(key) if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise InputError(f"{path}: {key} is {shown(text)}, expected a text as SQuAD has it")
    return text


def _require_some(found: list[_Kind], path: Path, what: str) -> list[_Kind]:
    """Refuse a file that holds nothing."""
    if not found:
        raise InputError(f"{path} holds no {what}")
    return found


def _error(path: Path, line: int, what: str) -> InputError:
    """An error about a line."""
    return InputError(f"{path}: line {line}: {what}")
