"""Write tests/data/tokenizers/*.json: directories of tokenizers, and what transformers does.

Needs transformers 5. Each file is one family: the files that its class's save_pretrained wrote (or,
for vocabularies without a tokenizer.json, those of older versions), and cases, which are edits of
them by hand. Each case has the ids and types that AutoTokenizer gives, or the error that it raises.

    python scripts/make_tokenizer_fixtures.py
"""

import base64
import json
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

os.environ["TRANSFORMERS_VERBOSITY"] = "critical"
os.environ["HF_HUB_OFFLINE"] = "1"
warnings.filterwarnings("ignore")

import tokenizers  # noqa: E402
import transformers  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

OUT = Path(__file__).parents[1] / "tests/data/tokenizers"

WORDS = """
[PAD] [UNK] [CLS] [SEP] [MASK] the fox jump ##s hello world a b Hello HELLO h ##é ##llo héllo e 1
[ ] <s> </s> <pad> <mask> <unk> mask > < ##1 中 国 中国 $ s / e11 m ##m ' don t . , #
""".split()  # noqa: SIM905
LOWER = [word for word in WORDS if word == word.lower() or word[0] == "["]
TEXTS = [
    "Hello héllo 中国 jumps",
    "the [E11]fox [E11] a[E12]",
    "a [MASK] b <mask>  m<mask>",
    "a [E11a] [e11] [PAD] <s> <S>",
    "don't, the fox.",
    "",
]
PAIRS = [["a", "b"], ["the fox", "hello [E11] world"]]
LEARNED = [
    "the fox jumps over hello world",
    "Hello world, don't!",
    "a b c the the fox",
    "héllo 中国",
]
Files = dict[str, Any]
_GONE = "gone"


def write(files: Files, folder: str) -> None:
    """Write a directory."""
    for name, content in files.items():
        if isinstance(content, dict) and "base64" in content:
            Path(folder, name).write_bytes(base64.b64decode(content["base64"]))
            continue
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        Path(folder, name).write_text(text, encoding="utf-8")


def saved(tokenizer: Any) -> Files:
    """Take what save_pretrained writes."""
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        paths = sorted(Path(folder).iterdir())
        return {
            path.name: json.loads(path.read_text(encoding="utf-8"))
            if path.suffix == ".json"
            else path.read_text(encoding="utf-8")
            for path in paths
        }


def edited(files: Files, edits: Files) -> Files:
    """Change files: a key with slashes is an object's in an object, "" is the whole file."""
    changed = json.loads(json.dumps(files))
    for name, content in edits.items():
        if content is None:
            del changed[name]
        elif isinstance(content, dict) and "" in content:
            changed[name] = content[""]
        elif isinstance(content, dict) and name.endswith(".json"):
            own = changed.setdefault(name, {})
            for key, value in content.items():
                *path, last = key.split("/")
                inner = own
                for one in path:
                    inner = inner[one]
                if value == _GONE:
                    inner.pop(last, None)
                else:
                    inner[last] = value
        else:
            changed[name] = content
    return changed


def expected(files: Files) -> dict[str, Any]:
    """Tokenize as transformers does."""
    with tempfile.TemporaryDirectory() as folder:
        write(files, folder)
        try:
            own = AutoTokenizer.from_pretrained(folder)
            rows = [own(text, return_token_type_ids=True) for text in TEXTS]
            rows += [own(*pair, return_token_type_ids=True) for pair in PAIRS]
        except Exception as error:  # whatever it raises is the fact
            return {"error": type(error).__name__}
        limit = own.model_max_length
        return {
            "class": type(own).__name__,
            "ids": [row["input_ids"] for row in rows],
            "types": [row["token_type_ids"] for row in rows],
            "max_length": int(limit) if limit < 1e20 else None,
            "size": len(own),
        }


def added(content: str, id: int, **flags: bool) -> dict[str, Any]:
    """Describe an added token as tokenizer.json does."""
    own = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {"id": id, "content": content, **own, "special": True, **flags}


def words(vocab: list[str]) -> str:
    return "".join(f"{word}\n" for word in vocab)


def marker(**flags: bool) -> dict[str, Any]:
    own = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, **flags}
    return {"__type": "AddedToken", "content": "[E11]", **own}


# Every way in which files may say that [E11] is a token, for a vocabulary of so many.
def markers(size: int) -> dict[str, Files]:
    config, tokens_map, file = (
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
    )
    return {
        "added_tokens.json": {file: {"[E11]": size, "[E12]": size + 1}},
        "added_tokens.json, special": {
            file: {"[E11]": size},
            config: {"additional_special_tokens": ["[E11]"]},
        },
        "added_tokens.json, other ids": {file: {"[E11]": size + 5}},
        "additional": {config: {"additional_special_tokens": ["[E11]"]}},
        "additional, with flags": {config: {"additional_special_tokens": [marker(lstrip=True)]}},
        "additional, single word": {
            config: {"additional_special_tokens": [marker(single_word=True, special=True)]}
        },
        "additional, normalized": {
            config: {"additional_special_tokens": [marker(normalized=True)]}
        },
        "additional in the map": {tokens_map: {"additional_special_tokens": ["[E11]"]}},
        "additional in both": {
            config: {"additional_special_tokens": ["[E12]"]},
            tokens_map: {"additional_special_tokens": ["[E11]"]},
        },
        "extra": {config: {"extra_special_tokens": ["[E11]", "[E12]"]}},
        "extra, named": {config: {"extra_special_tokens": {"entity_token": "[E11]"}}},
        "extra and additional": {
            config: {"extra_special_tokens": ["[E11]"], "additional_special_tokens": ["[E12]"]}
        },
        "extra in the map": {tokens_map: {"extra_special_tokens": ["[E11]"]}},
        "own key": {config: {"entity_token": "[E11]"}},
        "own key in the map": {tokens_map: {"entity_token": "[E11]"}},
        "bos beyond the vocabulary": {config: {"bos_token": "[E11]"}},
        "decoder": {config: {"added_tokens_decoder": {str(size): {"content": "[E11]"}}}},
        "decoder, special": {
            config: {"added_tokens_decoder": {str(size): {"content": "[E11]", "special": True}}}
        },
        "decoder, rstrip": {
            config: {
                "added_tokens_decoder": {
                    str(size): {"content": "[E11]", "special": True, "rstrip": True, "lstrip": True}
                }
            }
        },
        "decoder, other id": {
            config: {"added_tokens_decoder": {str(size + 7): {"content": "[E11]"}}}
        },
        "decoder and map": {
            config: {"added_tokens_decoder": {str(size): {"content": "[E12]"}}},
            tokens_map: {"additional_special_tokens": ["[E11]"]},
            file: {"[E11]": size},
        },
        "map over config": {
            config: {"mask_token": "[MASK]"},
            tokens_map: {"mask_token": {"content": "<mask>", "lstrip": True, "rstrip": False}},
        },
        "additional, none in the config": {
            config: {"additional_special_tokens": []},
            tokens_map: {"additional_special_tokens": ["[E11]"]},
        },
        "additional, extra by name, and the map": {
            config: {
                "extra_special_tokens": {"entity_token": "[E12]"},
                "additional_special_tokens": ["a"],
            },
            tokens_map: {"additional_special_tokens": ["[E11]"]},
        },
        "additional, and extra in the map": {
            config: {
                "extra_special_tokens": {"entity_token": "a"},
                "additional_special_tokens": ["[E12]"],
            },
            tokens_map: {"extra_special_tokens": ["[E11]"]},
        },
        "added_tokens.json and own key": {
            file: {"[E11]": size},
            config: {"entity_token": "[E11]"},
        },
        "added_tokens.json and the map": {
            file: {"[E11]": size},
            tokens_map: {"additional_special_tokens": ["[E11]"]},
        },
        "no mask": {config: {"mask_token": None}},
        "mask with flags": {
            config: {
                "mask_token": {
                    **marker(lstrip=True, rstrip=True),
                    "content": "<mask>",
                    "special": True,
                }
            }
        },
    }


def bert() -> tuple[Files, dict[str, Files]]:
    """vocab.txt without a tokenizer.json."""
    config, model = "tokenizer_config.json", "config.json"
    size = len(LOWER)
    files = {"vocab.txt": words(LOWER), model: {"model_type": "bert"}}
    cases: dict[str, Files] = {
        "plain": {},
        "lower false": {config: {"do_lower_case": False}},
        "accents kept": {config: {"strip_accents": False}},
        "accents only": {config: {"strip_accents": True, "do_lower_case": False}},
        "no Chinese": {config: {"tokenize_chinese_chars": False}},
        "clean_text": {config: {"clean_text": False}},
        "no basic": {config: {"do_basic_tokenize": False, "never_split": ["[E11]"]}},
        "other ends": {config: {"cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>"}},
        "length": {config: {"model_max_length": 5}},
        "older length": {config: {"max_len": 7}},
        "bos": {config: {"bos_token": "<s>"}},
        "bos asked for": {config: {"bos_token": "<s>", "add_bos_token": True}},
        "MPNet": {model: {"model_type": "mpnet"}},
        "MPNet's class": {config: {"tokenizer_class": "MPNetTokenizer"}},
        "MPNet's class in config.json": {model: {"tokenizer_class": "MPNetTokenizer"}},
        "BERT's class, MPNet": {
            model: {"model_type": "mpnet"},
            config: {"tokenizer_class": "BertTokenizer"},
        },
        "BERT's class, RoBERTa": {
            model: {"model_type": "roberta"},
            config: {"tokenizer_class": "BertTokenizerFast"},
        },
        "DistilBERT": {model: {"model_type": "distilbert"}},
        "ELECTRA": {
            model: {"model_type": "electra"},
            config: {"tokenizer_class": "ElectraTokenizer"},
        },
        "class without config.json": {model: None, config: {"tokenizer_class": "BertTokenizer"}},
        "another's class": {config: {"tokenizer_class": "FooTokenizer"}},
        "generic class": {config: {"tokenizer_class": "PreTrainedTokenizerFast"}},
        "ModernBERT": {
            model: {"model_type": "modernbert"},
            config: {"tokenizer_class": "BertTokenizer"},
        },
        "blank lines": {"vocab.txt": words([*LOWER[:9], "", "", *LOWER[9:]])},
        "a line twice": {"vocab.txt": words([*LOWER, "fox"])},
        "no mask in vocab.txt": {"vocab.txt": words([one for one in LOWER if one != "[MASK]"])},
        "no mask in vocab.txt, added": {
            "vocab.txt": words([one for one in LOWER if one != "[MASK]"]),
            config: {"additional_special_tokens": ["[E11]"]},
        },
        "no padding in vocab.txt, added": {
            "vocab.txt": words([one for one in LOWER if one != "[PAD]"]),
            config: {"extra_special_tokens": ["[E11]"]},
        },
        **markers(size),
        "MPNet, added": {
            model: {"model_type": "mpnet"},
            config: {"additional_special_tokens": ["[E11]"]},
        },
    }
    return files, cases


def bert_json() -> tuple[Files, dict[str, Files]]:
    """tokenizer.json as BertTokenizer writes it, against tokenizer_config.json."""
    config, model, whole = "tokenizer_config.json", "config.json", "tokenizer.json"
    own = transformers.BertTokenizer(vocab={word: i for i, word in enumerate(WORDS)})
    files = {**saved(own), model: {"model_type": "bert"}}
    as_it_is = {"tokenizer_class": "PreTrainedTokenizerFast"}
    size = len(WORDS)
    base = files[whole]["added_tokens"]
    other = json.loads(json.dumps(files[whole]["post_processor"]))
    other["single"].insert(1, {"SpecialToken": {"id": "[SEP]", "type_id": 0}})
    listed = {str(one["id"]): {key: one[key] for key in one if key != "id"} for one in base}
    holes = {word: i + 2 * (i > 8) for i, word in enumerate(WORDS)}
    cases: dict[str, Files] = {
        "plain": {},
        "lower false": {config: {"do_lower_case": False}},
        "lower true": {whole: {"normalizer/lowercase": False}},
        "lower, as it is": {config: {"do_lower_case": False, **as_it_is}},
        "accents": {whole: {"normalizer/strip_accents": False}},
        "accents kept": {config: {"strip_accents": False}},
        "Chinese": {whole: {"normalizer/handle_chinese_chars": False}},
        "no Chinese": {config: {"tokenize_chinese_chars": False}},
        "other ends": {config: {"cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>"}},
        "other ends, as it is": {config: {"cls_token": "<s>", **as_it_is}},
        "other frame": {whole: {"post_processor": other}},
        "other frame, as it is": {whole: {"post_processor": other}, config: as_it_is},
        "no frame": {whole: {"post_processor": None}},
        "no frame, by the model's type": {whole: {"post_processor": None}, config: None},
        "no frame, as it is": {whole: {"post_processor": None}, config: as_it_is},
        "nothing added": {whole: {"added_tokens": []}},
        "nothing added, as it is": {whole: {"added_tokens": []}, config: as_it_is},
        "nothing added or named, as it is": {
            whole: {"added_tokens": []},
            config: {
                **as_it_is,
                **{f"{key}_token": _GONE for key in ("cls", "sep", "unk", "pad", "mask")},
            },
        },
        "added": {whole: {"added_tokens": [*base, added("[E11]", size)]}},
        "added, and in added_tokens.json": {
            whole: {"added_tokens": [*base, added("[E11]", size)]},
            "added_tokens.json": {"[E11]": size},
        },
        "added, and in added_tokens.json, as it is": {
            whole: {"added_tokens": [*base, added("[E11]", size)]},
            "added_tokens.json": {"[E11]": size},
            config: as_it_is,
        },
        "added, lacking in the decoder": {
            whole: {"added_tokens": [*base, added("[E11]", size)]},
            config: {"added_tokens_decoder": listed},
        },
        "added, lacking in the decoder, as it is": {
            whole: {"added_tokens": [*base, added("[E11]", size)]},
            config: {"added_tokens_decoder": listed, **as_it_is},
        },
        "added, other flags in the decoder": {
            whole: {"added_tokens": [*base, added("[E11]", size, normalized=True)]},
            config: {
                "added_tokens_decoder": {
                    **listed,
                    str(size): {"content": "[E11]", "special": True, "normalized": False},
                }
            },
        },
        "added, other flags in the decoder, as it is": {
            whole: {"added_tokens": [*base, added("[E11]", size, normalized=False)]},
            config: {
                **as_it_is,
                "added_tokens_decoder": {str(size): {"content": "[E11]", "normalized": True}},
            },
        },
        "MPNet's class": {
            config: {"tokenizer_class": "MPNetTokenizer"}
            | {f"{key}_token": _GONE for key in ("cls", "sep", "unk", "pad", "mask")}
        },
        "another's class": {config: {"tokenizer_class": "FooTokenizer", "do_lower_case": False}},
        "code": {config: {"auto_map": {"AutoTokenizer": ["x.Foo", None]}}},
        "XLM-R with BERT's class": {model: {"model_type": "xlm-roberta"}},
        "ModernBERT": {model: {"model_type": "modernbert"}, config: {"do_lower_case": False}},
        "holes": {whole: {"model/vocab": holes}},
        "two tokens of one id": {whole: {"model/vocab/fox": 5}},
        "no config": {config: None},
        "no config, no config.json": {config: None, model: None},
        **{f"{name}, class's": edits for name, edits in markers(size).items()},
        **{
            f"{name}, as it is": {**edits, config: {**edits.get(config, {}), **as_it_is}}
            for name, edits in markers(size).items()
        },
    }
    return files, cases


def byte_level() -> tokenizers.ByteLevelBPETokenizer:
    trained = tokenizers.ByteLevelBPETokenizer()
    special = [
        "<s>",
        "<pad>",
        "</s>",
        "<unk>",
        "<mask>",
        "[CLS]",
        "[PAD]",
        "[SEP]",
        "[UNK]",
        "[MASK]",
    ]
    trained.train_from_iterator(
        LEARNED * 4, vocab_size=300, special_tokens=[*special, "<|endoftext|>"], show_progress=False
    )
    return trained


def roberta() -> tuple[Files, dict[str, Files]]:
    """vocab.json and merges.txt without a tokenizer.json."""
    config, model = "tokenizer_config.json", "config.json"
    with tempfile.TemporaryDirectory() as folder:
        byte_level().save_model(folder)
        files: Files = {
            "vocab.json": json.loads(Path(folder, "vocab.json").read_text(encoding="utf-8")),
            "merges.txt": Path(folder, "merges.txt").read_text(encoding="utf-8"),
            model: {"model_type": "roberta"},
        }
    size = len(files["vocab.json"])
    holed = {token: id + 3 * (id > 290) for token, id in files["vocab.json"].items()}
    cases: dict[str, Files] = {
        "plain": {},
        "space": {config: {"add_prefix_space": True}},
        "offsets": {config: {"trim_offsets": False}},
        "other ends": {config: {"cls_token": "[CLS]", "sep_token": "[SEP]"}},
        "BART": {config: {"tokenizer_class": "BartTokenizer"}},
        "Longformer": {config: {"tokenizer_class": "LongformerTokenizerFast"}},
        "GPT-2": {config: {"tokenizer_class": "GPT2Tokenizer"}},
        "GPT-2, added": {
            config: {
                "tokenizer_class": "GPT2Tokenizer",
                "additional_special_tokens": ["[E11]"],
            }
        },
        "GPT-2, bos": {config: {"tokenizer_class": "GPT2Tokenizer", "add_bos_token": True}},
        "GPT-2, bos and eos": {
            config: {
                "tokenizer_class": "GPT2Tokenizer",
                "add_bos_token": True,
                "add_eos_token": True,
                "bos_token": "<s>",
                "eos_token": "</s>",
            }
        },
        "DeBERTa": {model: {"model_type": "deberta"}},
        "holes": {"vocab.json": {"[UNK]": _GONE}},
        "wide holes": {"vocab.json": {"": holed}},
        **markers(size),
    }
    return files, cases


def roberta_json() -> tuple[Files, dict[str, Files]]:
    """tokenizer.json as RobertaTokenizer writes it."""
    config, model, whole = "tokenizer_config.json", "config.json", "tokenizer.json"
    trained = json.loads(byte_level().to_str())["model"]
    merges = [tuple(one) for one in trained["merges"]]
    own = transformers.RobertaTokenizer(vocab=trained["vocab"], merges=merges)
    files = {**saved(own), model: {"model_type": "roberta"}}
    size = len(trained["vocab"])
    as_it_is = {"tokenizer_class": "PreTrainedTokenizerFast"}
    cases: dict[str, Files] = {
        "plain": {},
        "space": {config: {"add_prefix_space": True}},
        "space, as it is": {config: {"add_prefix_space": True, **as_it_is}},
        "no space": {whole: {"pre_tokenizer/add_prefix_space": True}},
        "other ends": {config: {"cls_token": "[CLS]", "sep_token": "[SEP]"}},
        "other ends, as it is": {config: {"cls_token": "[CLS]", **as_it_is}},
        "no frame": {whole: {"post_processor": None}},
        "no frame, by the model's type": {whole: {"post_processor": None}, config: None},
        "nothing added": {whole: {"added_tokens": []}},
        "lower": {config: {"do_lower_case": True}},
        **{f"{name}, class's": edits for name, edits in markers(size).items()},
    }
    return files, cases


def pieces(special: list[str]) -> list[tuple[str, float]]:
    """A small Unigram vocabulary."""
    own = [
        "▁the",
        "▁fox",
        "▁",
        "f",
        "o",
        "x",
        "▁hello",
        "▁world",
        "▁a",
        "▁b",
        "jump",
        "s",
        "h",
        "e",
        "l",
    ]
    own += [
        "H",
        "é",
        "[",
        "]",
        "E",
        "1",
        "M",
        "A",
        "S",
        "K",
        "<",
        ">",
        "m",
        "a",
        "k",
        "t",
        ".",
        ",",
        "'",
        "d",
    ]
    return [*((one, 0.0) for one in special), *((one, -1.0 - i / 9) for i, one in enumerate(own))]


def xlm_roberta() -> tuple[Files, dict[str, Files]]:
    config, model, whole = "tokenizer_config.json", "config.json", "tokenizer.json"
    vocab = [*pieces(["<s>", "<pad>", "</s>", "<unk>"]), ("<mask>", 0.0)]
    files = {
        **saved(transformers.XLMRobertaTokenizer(vocab=vocab)),
        model: {"model_type": "xlm-roberta"},
    }
    cases: dict[str, Files] = {
        "plain": {},
        "no space": {config: {"add_prefix_space": False}},
        "no frame": {whole: {"post_processor": None}},
        "no frame, by the model's type": {whole: {"post_processor": None}, config: None},
        "other ends": {config: {"cls_token": "<mask>", "sep_token": "<mask>"}},
        "other bos": {config: {"bos_token": "<mask>"}},
        "no config": {config: None},
        "CamemBERT": {
            model: {"model_type": "camembert"},
            config: {"tokenizer_class": "CamembertTokenizer"},
        },
        "lower": {config: {"do_lower_case": True}},
        **{f"{name}, class's": edits for name, edits in markers(len(vocab)).items()},
    }
    return files, cases


def albert() -> tuple[Files, dict[str, Files]]:
    config, model = "tokenizer_config.json", "config.json"
    vocab = pieces(["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"])
    files = {**saved(transformers.AlbertTokenizer(vocab=vocab)), model: {"model_type": "albert"}}
    cases: dict[str, Files] = {
        "plain": {},
        "lower false": {config: {"do_lower_case": False}},
        "accents kept": {config: {"keep_accents": True}},
        "both": {config: {"keep_accents": True, "do_lower_case": False}},
        "no space": {config: {"add_prefix_space": False}},
    }
    return files, cases


def deberta_v2() -> tuple[Files, dict[str, Files]]:
    config, model = "tokenizer_config.json", "config.json"
    vocab = pieces(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    files = {
        **saved(transformers.DebertaV2Tokenizer(vocab=vocab)),
        model: {"model_type": "deberta-v2"},
    }
    cases: dict[str, Files] = {
        "plain": {},
        "lower": {config: {"do_lower_case": True}},
        "punctuation": {config: {"split_by_punct": True}},
        "no space": {config: {"add_prefix_space": False}},
    }
    return files, cases


def write_family(name: str, whole: dict[str, Any]) -> None:
    """Write what the tests read of a family."""
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).replace('},"', '},\n"')
    (OUT / f"{name}.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    print(name, len(whole["cases"]), len(text))


def write_families(families: Iterable[Callable[[], Any]]) -> None:
    """Write what the tokenizers of some families give, each family by its function's name."""
    OUT.mkdir(parents=True, exist_ok=True)
    for family in families:
        files, cases = family()
        found = {
            name: {"edits": edits, "expected": expected(edited(files, edits))}
            for name, edits in cases.items()
        }
        whole = {"texts": TEXTS, "pairs": PAIRS, "files": files, "cases": found}
        write_family(family.__name__, whole)


def main() -> None:
    write_families((bert, bert_json, roberta, roberta_json, xlm_roberta, albert, deberta_v2))


if __name__ == "__main__":
    main()
