"""sentence-transformers' files, read: the modules after the encoder, how texts are prepared."""

from dataclasses import replace
from pathlib import Path

from bertie.checkpoint.files import read_object
from bertie.checkpoint.preprocessing import read_preprocessing, transformer_config
from bertie.checkpoint.sentence_layout import Normalize, SentenceLayout, TruncateDim
from bertie.checkpoint.sentence_modules import list_modules, read_modules
from bertie.checkpoint.sentence_settings import read_settings
from bertie.known import MODEL_FILES, NOTED, check_files
from bertie.known.sentence import MODULES, PROMPTS_CONFIG


def read_layout(directory: Path) -> SentenceLayout:
    """Read a directory's modules and text settings, if it has any.

    Args:
        directory: in sentence-transformers' layout, or in Hugging Face's, whose pooling is the
            mean of all tokens, not normalized, as sentence-transformers does.
    Raises: CheckpointError: broken files, or modules that aren't supported, by name.
    """
    modules = list_modules(directory) if (directory / MODULES).is_file() else []
    transformer = modules[0][1] if modules else directory
    raw, name = transformer_config(transformer)
    prompts_config = directory / PROMPTS_CONFIG
    stated = read_object(prompts_config) if prompts_config.is_file() else {}
    layout = SentenceLayout(transformer, stated=stated)
    if modules:
        layout = read_modules(layout, modules, raw, name)
    kind = layout.task
    if kind == "multivector" and layout.queries is None:
        kind = "pylate"
    texts = read_preprocessing(raw, name, kind)
    settings = read_settings(stated, kind)
    notes = (*layout.notes, *texts["notes"], *settings["notes"])
    if not modules:
        found = [
            file for file in (name * bool(raw), PROMPTS_CONFIG) if (directory / file).is_file()
        ]
        notes += tuple(
            f"{file} is read, though there is no {MODULES}, without which sentence-transformers"
            " takes no notice of it"
            for file in found
        )
    if layout.transformer != directory:  # the encoder's own folder is looked at with its config
        notes += check_files([row for row in MODEL_FILES if row.mark == NOTED], directory)
    layout = replace(layout, **{**texts, **settings, "notes": notes})
    return layout if layout.dimensions.value is None else _truncate(layout)


def _truncate(layout: SentenceLayout) -> SentenceLayout:
    """Keep the beginning of vectors, and say what that leaves of a normalization before."""
    kept = layout.dimensions
    notes = layout.notes
    if layout.modules and isinstance(layout.modules[-1], Normalize):
        notes = (
            *notes,
            f"{kept.origin} keeps {kept.value} floats of a vector that has length 1 before, as"
            " sentence-transformers does: give normalize=True for length 1 afterwards",
        )
    return replace(layout, modules=(*layout.modules, TruncateDim(kept.value)), notes=notes)
