"""Files that disagree are told; files that agree aren't."""

from pathlib import Path

from bertie.checkpoint.disagreements import disagreements
from tests.editing import edit_json


def test_files_that_agree_give_no_note(bert: Path) -> None:
    assert disagreements(bert, 64, True) == []


def test_every_file_that_states_a_length_is_quoted(bert: Path) -> None:
    edit_json(bert / "sentence_bert_config.json", max_seq_length=32, do_lower_case=False)
    edit_json(bert / "tokenizer.json", truncation={"max_length": 16})
    assert disagreements(bert, 32, True) == [
        "the files disagree on maximum length: sentence_bert_config.json: max_seq_length says 32,"
        " tokenizer_config.json: model_max_length says 64,"
        " tokenizer.json: truncation.max_length says 16; 32 tokens are used",
        "the files disagree on lower-casing: sentence_bert_config.json: do_lower_case says false,"
        " tokenizer_config.json: do_lower_case says true,"
        " tokenizer.json: normalizer.lowercase says true; texts are lower-cased",
    ]


def test_the_sentinel_of_no_limit_is_no_claim(bert: Path) -> None:
    edit_json(bert / "sentence_bert_config.json", max_seq_length=32)
    edit_json(bert / "tokenizer_config.json", model_max_length=int(1e30))
    assert disagreements(bert, 32, True) == []
