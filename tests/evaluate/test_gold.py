"""Gold files in the formats of the data sets that people have."""

import json
from pathlib import Path
from typing import Any

import pytest

from bertie.errors import InputError
from bertie.evaluate.gold import (
    Labelled,
    Question,
    Scored,
    Tagged,
    read_labelled,
    read_questions,
    read_relevance,
    read_scored,
    read_tagged,
)


def write(directory: Path, name: str, content: str) -> Path:
    """Write a gold file."""
    path = directory / name
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "content", "first"),
    [
        ("dev.tsv", 'it \'s "fine" , really\t1\n', Labelled('it \'s "fine" , really', None, "1")),
        ("dev.tsv", "sentence\tlabel\na text\tpos\n", Labelled("a text", None, "pos")),
        ("a.csv", 'label,text\nyes,"one, two"\n', Labelled("one, two", None, "yes")),
        (
            "SICK.txt",
            "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n"
            "4\tA man\tA boy\t3.6\tNEUTRAL\n",
            Labelled("A man", "A boy", "NEUTRAL"),
        ),
        ("a.tsv", "one\ttwo\tyes\n", Labelled("one", "two", "yes")),
    ],
)
def test_texts_with_labels_read_with_and_without_a_header(
    tmp_path: Path, name: str, content: str, first: Labelled
) -> None:
    assert read_labelled(write(tmp_path, name, content))[0] == first


@pytest.mark.parametrize(
    ("read", "header", "message"),
    [
        (read_labelled, "text,category", "has 'text', .* but none of label, .* names the label"),
        (read_labelled, "content,Label", "has 'label', .* but none of sentence, .* names the text"),
        (read_labelled, "text,category,hypothesis", "has 'text', .* names the label"),
        (read_scored, "text1,text2,score", "has 'score', .* names the text"),
        (read_scored, "sentence1,sentence2,gold", "has 'sentence1', .* names the score"),
    ],
)
def test_a_header_that_is_half_known_is_no_example(
    tmp_path: Path, read: Any, header: str, message: str
) -> None:
    row = ",".join(["a song", "the sea", "1"][-header.count(",") - 1 :])
    path = write(tmp_path, "dev.csv", f"{header}\n{row}\n")
    with pytest.raises(InputError, match=message):
        read(path)
    assert read(write(tmp_path, "bare.csv", f"{row}\n{row}\n"))[1:]


@pytest.mark.parametrize(
    ("name", "content", "first"),
    [
        ("sts.csv", '"A man, old.",A man.,4.75\n', Scored("A man, old.", "A man.", 4.75)),
        ("a.csv", "sentence1,sentence2,score\na,b,5\n", Scored("a", "b", 5)),
        (
            "SICK.txt",
            "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n"
            "4\tA man\tA boy\t3.6\tNEUTRAL\n",
            Scored("A man", "A boy", 3.6),
        ),
    ],
)
def test_pairs_with_scores_read_with_and_without_a_header(
    tmp_path: Path, name: str, content: str, first: Scored
) -> None:
    assert read_scored(write(tmp_path, name, content)) == [first]


@pytest.mark.parametrize(
    "content",
    [
        "Ada\tB-PER\nsings\tO\n\nRome\tB-LOC\n",
        "-DOCSTART- -X- O O\n\nAda NNP I-NP B-PER\nsings VB O O\n\n\nRome NNP I-NP B-LOC\n\n",
    ],
)
def test_words_with_tags_read_from_columns(tmp_path: Path, content: str) -> None:
    assert read_tagged(write(tmp_path, "a.conll", content)) == [
        Tagged(("Ada", "sings"), ("B-PER", "O")),
        Tagged(("Rome",), ("B-LOC",)),
    ]


def squad(**changes: Any) -> str:
    """Write one article with one question."""
    one = {
        "id": "7",
        "question": "Who?",
        "answers": [{"text": "Ada", "answer_start": 0}],
        **changes,
    }
    return json.dumps({"data": [{"paragraphs": [{"context": "Ada sang.", "qas": [one]}]}]})


def test_questions_read_from_squads_json(tmp_path: Path) -> None:
    assert read_questions(write(tmp_path, "a.json", squad())) == [
        Question("7", "Who?", "Ada sang.", ("Ada",))
    ]
    (none,) = read_questions(write(tmp_path, "b.json", squad(answers=[], is_impossible=True)))
    assert none.answers == ()


@pytest.mark.parametrize(
    "content",
    [
        "1 0 12 3\n1 0 7 -1\n2 0 12 1\n",
        "query-id\tcorpus-id\tscore\n1\t12\t3\n1\t7\t-1\n2\t12\t1\n",
    ],
)
def test_judgements_read_from_qrels(tmp_path: Path, content: str) -> None:
    expected = {"1": {"12": 3, "7": -1}, "2": {"12": 1}}
    assert read_relevance(write(tmp_path, "qrels.tsv", content)) == expected


@pytest.mark.parametrize(
    ("read", "name", "content", "said"),
    [
        (read_labelled, "a.tsv", "", "is empty"),
        (read_labelled, "a.tsv", "alone\n", "its first row has 1 columns"),
        (read_labelled, "a.tsv", "a\tb\nc\n", "line 2: 1 columns, expected 2"),
        (read_scored, "a.csv", "a,b,c\n", "line 1: 'c' is no number"),
        (read_scored, "a.csv", "a,1\n", "its first row has 2 columns"),
        (read_scored, "a.csv", "text,score\na,1\n", "names no second text"),
        (read_tagged, "a.conll", "Ada\n", "line 1: 'Ada' has one column"),
        (read_tagged, "a.conll", "\n\n", "holds no sentences"),
        (read_questions, "a.json", "{", "is not JSON"),
        (read_questions, "a.json", "{}", "holds no questions"),
        (read_questions, "a.json", "[]", "data is None, expected a list"),
        (read_questions, "a.json", squad(question=None), "question is None, expected a text"),
        (read_questions, "a.json", squad(answers=3), "answers is 3, expected a list"),
        (read_relevance, "a.txt", "1 2\n", "line 1: 2 columns"),
        (read_relevance, "a.txt", "1 2 x\n", "line 1: 'x' is no number"),
        (read_relevance, "a.txt", "1 2 nan\n", "line 1: 'nan' is no number"),
        (read_scored, "a.csv", "a,b,1\na,b,inf\n", "line 2: 'inf' is no number"),
        (read_relevance, "a.txt", "\n", "holds no judgements"),
    ],
)
def test_a_file_that_is_laid_out_otherwise_is_refused(
    tmp_path: Path, read: Any, name: str, content: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read(write(tmp_path, name, content))
    with pytest.raises(InputError, match="No such file"):
        read(tmp_path / "none")


def test_two_questions_of_one_id_are_refused(tmp_path: Path) -> None:
    raw = json.loads(squad())
    raw["data"] *= 2
    with pytest.raises(InputError, match="two questions have the same id"):
        read_questions(write(tmp_path, "a.json", json.dumps(raw)))


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (read_labelled, 'text,label\na,"pos\nb,neg\n', "not well-formed CSV"),
        (read_labelled, 'text,label\n"a"b,pos\n', "not well-formed CSV"),
        (read_labelled, "text,label,label\na,pos,neg\n", "header has 'label' twice"),
        (read_scored, "sentence1,sentence2,score\na,b,1_0\n", "'1_0' is no number"),
        (read_scored, "sentence1,sentence2,score\na,b,\uff11\n", "is no number"),
        (read_tagged, "Paris\tB-LOC\nLondon\t\n", "no tag"),
        (read_relevance, "q1 0 d1 1_0\n", "'1_0' is no number"),
        (read_relevance, "q1 0 d1 1\nq1 0 d1 0\n", "'d1' is judged 0 for 'q1', but 1 before"),
        (read_questions, '{"data": [], "data": []}', "key 'data' twice"),
    ],
)
def test_a_value_is_neither_guessed_nor_passed_over(
    tmp_path: Path, read: Any, content: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read(write(tmp_path, "gold.csv", content))


def test_a_text_may_be_long_and_an_id_may_have_spaces(tmp_path: Path) -> None:
    long = "long " * 40_000
    assert read_labelled(write(tmp_path, "a.csv", f"text,label\n{long},x\n"))[0].text == long
    judged = "query-id\tcorpus-id\tscore\nq 1\tdoc 1\t1\n"
    assert read_relevance(write(tmp_path, "qrels.tsv", judged)) == {"q 1": {"doc 1": 1}}
