"""Every file and key that the frameworks read when they load a model, and what Bertie does with it.

The rows lie in one file for each kind of file; docs/checkpoints.md shows them all.
"""

from bertie.known.check import check, check_files, unlisted
from bertie.known.model import MODEL_CONFIG, MODEL_FILES
from bertie.known.modules import MODULE_CONFIGS, MODULES_FILE
from bertie.known.record import IDLE, MARKS, NOTED, READ, REFUSED, Known
from bertie.known.sentence import SENTENCE_CONFIGS, SENTENCE_SETTINGS
from bertie.known.tokenizer import TOKENIZER

KNOWN: tuple[Known, ...] = (
    *MODEL_FILES,
    *MODEL_CONFIG,
    *MODULES_FILE,
    *MODULE_CONFIGS,
    *SENTENCE_CONFIGS,
    *SENTENCE_SETTINGS,
    *TOKENIZER,
)

__all__ = [
    "IDLE",
    "KNOWN",
    "MARKS",
    "MODEL_CONFIG",
    "MODEL_FILES",
    "MODULES_FILE",
    "MODULE_CONFIGS",
    "NOTED",
    "READ",
    "REFUSED",
    "SENTENCE_CONFIGS",
    "SENTENCE_SETTINGS",
    "TOKENIZER",
    "Known",
    "check",
    "check_files",
    "unlisted",
]
