"""Every format is read, whole or rejected row by row."""

import bz2
import gzip
import json
import lzma
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bertie.errors import InputError
from bertie.jobs.files import InputFile, find_files
from bertie.jobs.report import Summary
from bertie.tables import LONGEST_LINE
from tests.editing import edit_json

from .conftest import csv_of, lines, sentences, table

Embed = Callable[..., Summary]


def parquet(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: bytes(pa.compress(data, "zstd", asbytes=True)),
}


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "txt", "parquet"])
def test_every_format_gives_the_same_answers(suffix: str, embed: Embed, tmp_path: Path) -> None:
    texts = sentences(40)
    path = tmp_path / f"rows.{suffix}"
    if suffix == "parquet":
        parquet(path, {"text": texts}, row_group_size=25)
    elif suffix == "jsonl":
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    else:
        path.write_text(("" if suffix == "txt" else "text\n") + "\n".join(texts))
    (tmp_path / "same.txt").write_text("\n".join(texts))
    assert embed(path).counts.rows == 40
    embed(tmp_path / "same.txt", output="same.parquet")
    assert table(tmp_path / "out.parquet").equals(table(tmp_path / "same.parquet"))


@pytest.mark.parametrize("suffix", [*PACK])
def test_compressed_files_are_read(suffix: str, embed: Embed, rows: Path, tmp_path: Path) -> None:
    data = rows.read_bytes()
    path = tmp_path / f"rows.csv.{suffix}"
    path.write_bytes(PACK[suffix](data))
    embed(rows, output="plain.parquet")
    embed(path)
    assert table(tmp_path / "out.parquet").equals(table(tmp_path / "plain.parquet"))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=f"{path.name}"):
        embed(path, output="broken.parquet")
    assert not (tmp_path / "broken.parquet").exists()


def test_directories_and_patterns_mean_their_files_in_order(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "deep/er/c.csv", "_skipped.csv", ".hidden.csv", "d.jsonl"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text\nx\n")

    def named(*inputs: str) -> list[str]:
        return [str(Path(file.path).relative_to(tmp_path / "data")) for file in find_files(inputs)]

    everything = named(str(tmp_path / "data"))
    assert everything == ["a.csv", "b.csv", "d.jsonl", "deep/er/c.csv"]
    assert named(f"{tmp_path}/data/**/*.csv", f"{tmp_path}/data/a.csv")[-1] == "deep/er/c.csv"
    assert named(f"{tmp_path}/data/[ab].csv") == ["a.csv", "b.csv"]
    with pytest.raises(InputError, match="no file matches"):
        find_files([f"{tmp_path}/data/*.tsv"])
    with pytest.raises(InputError, match="No such file"):
        find_files([f"{tmp_path}/data/none.csv"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="has no files"):
        find_files([f"{tmp_path}/empty"])


def test_files_of_other_columns_are_refused(embed: Embed, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n1,x\n")
    (tmp_path / "b.csv").write_text("text,id\nx,1\n")
    with pytest.raises(InputError, match=r"b\.csv has the columns 'text', 'id', but .*a\.csv has"):
        embed(tmp_path / "a.csv", tmp_path / "b.csv")


def test_plain_lines_go_with_a_table_of_texts_alone(embed: Embed, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    (tmp_path / "b.csv").write_text("text\ntwo\n")
    assert embed(tmp_path / "a.txt", tmp_path / "b.csv").counts.rows == 2


def test_an_output_of_another_format_is_refused(embed: Embed, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    for name in ("out.csv", "out.jsonl.gz", "out.NPY"):
        with pytest.raises(InputError, match=rf"{name}: .*expected .parquet or .jsonl"):
            embed(tmp_path / "a.txt", output=name)
        assert not (tmp_path / name).exists()


def test_bad_rows_are_rejected_with_number_and_reason(embed: Embed, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(
        b'id,text\n1,good\n2,caf\xe9\n3,"two\nlines"\n4\n7,a\0b\n5,"open\n6,fine\n8,last\n'
    )
    summary = embed(path)
    assert table(tmp_path / "out.parquet").column("id").to_pylist() == ["1", "3", "6", "8"]
    rejects = lines(Path(summary.rejects or ""))
    assert [(one["row"], one["line"]) for one in rejects] == [(2, 3), (4, 6), (5, 7), (6, 8)]
    reasons = " | ".join(one["reason"] for one in rejects)
    for said in ("not UTF-8: byte 0xe9", "columns: 1, expected 2", "not well-formed", "NUL"):
        assert said in reasons
    assert (summary.counts.rows, summary.counts.rejected) == (4, 4)


def test_a_very_long_line_is_one_rejected_row(embed: Embed, tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    with path.open("wb") as file:
        file.write(b"first\n" + b"x" * (2 * LONGEST_LINE) + b"\nlast\n")
    assert embed(path).counts.rejected == 1
    assert table(tmp_path / "out.parquet").column("text").to_pylist() == ["first", "last"]


def test_a_row_with_a_token_that_has_no_embedding_is_rejected(
    embed: Embed, tiny_sentence: Path, tmp_path: Path
) -> None:
    model = Path(shutil.copytree(tiny_sentence, tmp_path / "model"))
    edit_json(model / "tokenizer_config.json", additional_special_tokens=["[E11]"])
    source = tmp_path / "rows.csv"
    source.write_text("text\na song\nthe [E11]\na river\n")
    summary = embed(source, model=str(model))
    (reject,) = lines(Path(summary.rejects or ""))
    assert reject["row"] == 2
    assert reject["reason"].startswith("the text: token '[E11]' is ")


def test_jsonl_keeps_types_and_rejects_what_does_not_fit(embed: Embed, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    good = [
        {"text": "a", "n": 1, "x": 1, "list": [1, "b"], "none": None},
        {"text": "b", "x": 2.5, "list": {"c": 1}},
        {"text": "e", "n": "three", "none": "now"},
        {"text": "d", "new": 1},
    ]
    bad = [{"text": 3}, [1], {"n": 2}, {"text": "c", "n": "\ud800"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in [*good, *bad]))
    summary = embed(path, shard_rows=2, output="out.jsonl")
    found = [
        {key: value for key, value in row.items() if key != "embedding"}
        for row in lines(tmp_path / "out.jsonl")
    ]
    blank = dict.fromkeys(("text", "n", "x", "list", "none", "new"))
    assert json.dumps(found) == json.dumps([{**blank, **row} for row in good])
    reasons = [one["reason"] for one in lines(Path(summary.rejects or ""))]
    for said, reason in zip(
        ("column 'text' is int", "JSON list", "no key", "column 'n' holds half a surrogate"),
        reasons,
        strict=True,
    ):
        assert said in reason
    embed(path, output="kept.jsonl", keep=("text",))
    assert {*lines(tmp_path / "kept.jsonl")[0]} == {"text", "embedding"}


def test_parquet_keeps_nested_columns_and_rejects_null_texts(embed: Embed, tmp_path: Path) -> None:
    nested = [{"tags": ["a", "b"]}, None, {"tags": []}]
    path = parquet(tmp_path / "in.parquet", {"meta": nested, "text": ["x", None, "y"]})
    summary = embed(path)
    assert table(tmp_path / "out.parquet").column("meta").to_pylist() == [nested[0], nested[2]]
    (reject,) = lines(Path(summary.rejects or ""))
    assert (reject["row"], reject["reason"]) == (2, "column 'text' is null, expected text")
    numbers = parquet(tmp_path / "numbers.parquet", {"text": [1, 2]})
    with pytest.raises(InputError, match="column 'text' is int64, expected text"):
        embed(numbers, output="no.parquet")
    (tmp_path / "no.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match="can't be read as Parquet"):
        embed(tmp_path / "no.parquet", output="none.parquet")


def test_long_texts_are_rejected_where_truncation_is_an_error(embed: Embed, tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    path.write_text("short\n" + "bridge " * 500 + "\nalso short\n")
    assert embed(path).counts.truncated == 1
    summary = embed(path, options={"truncate": "error"}, output="strict.parquet")
    (reject,) = lines(Path(summary.rejects or ""))
    assert reject["row"] == 2
    assert "tokens long; expected at most" in reject["reason"]
    assert reject["reason"].startswith("the text is")


def test_empty_inputs_give_empty_outputs(embed: Embed, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("text\n")
    assert embed(tmp_path / "empty.csv").counts.rows == 0
    assert table(tmp_path / "out.parquet").column_names == ["text", "embedding"]
    assert embed(tmp_path / "empty.csv", output="shards").shards == 0
    assert table(tmp_path / "shards").num_rows == 0


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(csv_of(sentences(3)))
    (file,) = find_files([str(path)])
    assert isinstance(file, InputFile)
    file.check()
    with path.open("a") as more:
        more.write("9,more\n")
    with pytest.raises(InputError, match=r"had \d+ bytes and has \d+: it changed while"):
        file.check()
    path.unlink()
    with pytest.raises(InputError, match="No such file"):
        file.check()
