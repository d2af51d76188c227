"""What transformers 5 makes of a directory's files, and what we make of them."""

from pathlib import Path

import pytest

from bertie.errors import TokenizerError
from bertie.tokenize import Tokenizer
from tests.tokenize.cases import Case, cases

CASES = cases()
# Where ours is refused and theirs isn't: the file says another id than transformers gives, or two
# tokens have one.
REFUSED = ("other id", "two tokens of one id")


@pytest.mark.parametrize(
    "case", [c for c in CASES if not any(r in c.name for r in REFUSED)], ids=lambda case: case.name
)
def test_a_directory_is_read_as_transformers_reads_it(case: Case, tmp_path: Path) -> None:
    case.write(tmp_path)
    if "error" in case.expected:
        with pytest.raises(TokenizerError, match=r"whose tokens need|names the tokenizer's class"):
            Tokenizer.load(tmp_path)
        return
    tokenizer = Tokenizer.load(tmp_path)
    found = [tokenizer.encode(*texts) for texts in case.texts]
    assert [one.ids for one in found] == case.expected["ids"]
    assert [one.type_ids for one in found] == case.expected["types"]
    if "offsets" in case.expected:
        assert [list(map(list, one.offsets)) for one in found] == case.expected["offsets"]
        assert [one.special_mask for one in found] == case.expected["special"]
    assert tokenizer.settings["max_length"].value == case.expected["max_length"]


@pytest.mark.parametrize(
    "case", [c for c in CASES if any(r in c.name for r in REFUSED)], ids=lambda case: case.name
)
def test_ids_that_a_file_states_otherwise_are_refused(case: Case, tmp_path: Path) -> None:
    assert "error" not in case.expected
    case.write(tmp_path)
    with pytest.raises(TokenizerError, match=r"are not of one model|an id of its own"):
        Tokenizer.load(tmp_path)


def test_every_case_is_one_of_the_two() -> None:
    assert len(CASES) > 200
    assert len({case.name for case in CASES}) == len(CASES)
