"""bertie doctor"""

import json
from collections.abc import Callable
from pathlib import Path

from .conftest import Ran

Bertie = Callable[..., Ran]


def test_a_model_in_order_is_examined(bertie: Bertie, tiny_sentence: Path) -> None:
    ran = bertie("doctor", tiny_sentence)
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["settings"]["normalize"]["origin"] == "modules.json"
    table = bertie("doctor", tiny_sentence, "--as", "table").out
    assert "can be loaded for" in table
    assert "1_Pooling/config.json: pooling_mode" in table


def test_a_broken_one_ends_with_1(bertie: Bertie, bert: Path, tmp_path: Path) -> None:
    (bert / "config.json").write_text("{")
    for source in (bert, tmp_path / "nowhere"):
        ran = bertie("doctor", source, "--as", "table")
        assert (ran.code, ran.err) == (1, "")
        assert ran.out.startswith("broken: ")
        assert json.loads(bertie("doctor", source, "--json").out)["broken"] is True


def test_the_callers_word_mends_what_it_can(bertie: Bertie, bert: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    (bert / "config.json").rename(config)
    assert bertie("doctor", bert).code == 1
    assert bertie("doctor", bert, "--config", config).code == 0
