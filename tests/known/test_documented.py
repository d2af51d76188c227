"""docs/checkpoints.md shows the table as it is in the code."""

from tests.generated import ROOT, generated, needs_scripts


@needs_scripts
def test_the_page_shows_every_row() -> None:
    shown = (ROOT / "docs" / "checkpoints.md").read_text(encoding="utf-8")
    assert generated("document_known", "tables") in shown, "run python scripts/document_known.py"
