"""Write tests/data/known/tokenizer.json: the keys and files that transformers reads of a tokenizer.

They are found in its source: what the base classes and AutoTokenizer take out of
tokenizer_config.json, and the parameters of the classes of encoders.

    python scripts/list_tokenizer_keys.py
"""

import ast
import inspect
import json
from collections.abc import Iterator
from pathlib import Path

import transformers
from transformers import tokenization_utils_base, tokenization_utils_tokenizers
from transformers.models.auto import tokenization_auto

OUT = Path(__file__).parents[1] / "tests/data/known/tokenizer.json"
MODULES = (tokenization_utils_base, tokenization_utils_tokenizers, tokenization_auto)
CLASSES = """
BertTokenizer DistilBertTokenizer MPNetTokenizer RobertaTokenizer GPT2Tokenizer DebertaTokenizer
XLMRobertaTokenizer CamembertTokenizer AlbertTokenizer DebertaV2Tokenizer BertJapaneseTokenizer
BertweetTokenizer PhobertTokenizer RoCBertTokenizer
""".split()  # noqa: SIM905
# The names by which those functions hold the file's content.
HOLDERS = {"kwargs", "init_kwargs", "local_kwargs", "tokenizer_config", "init_configuration"}
FUNCTIONS = {
    "__init__",
    "_convert_from_sentencepiece",
    "_convert_from_tiktoken",
    "_from_pretrained",
    "convert_to_native_format",
    "from_pretrained",
}


def held(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in HOLDERS


def keys(function: ast.FunctionDef) -> Iterator[object]:
    """Find the constants by which a function looks into the file's content."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            if node.func.attr in ("get", "pop", "setdefault") and held(node.func.value):
                yield getattr(node.args[0], "value", None)
        elif isinstance(node, ast.Subscript) and held(node.value):
            yield getattr(node.slice, "value", None)
        elif isinstance(node, ast.Compare) and held(node.comparators[0]):
            yield getattr(node.left, "value", None)


def main() -> None:
    found: set[object] = set()
    files = {"added_tokens.json", "special_tokens_map.json", "tokenizer_config.json"}
    for module in MODULES:
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name in FUNCTIONS:
                found.update(keys(node))
    for name in CLASSES:
        own = getattr(transformers, name)
        found.update(inspect.signature(own.__init__).parameters)
        files.update(own.vocab_files_names.values())
    named = {"keys": sorted(key for key in found if isinstance(key, str)), "files": sorted(files)}
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(named, indent=1) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
