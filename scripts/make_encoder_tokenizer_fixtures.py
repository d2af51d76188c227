"""Write the families of tests/data/tokenizers that come with offsets: SentencePiece's files alone,
and tokenizer.json in the shapes of ModernBERT, mmBERT, EuroBERT, DeBERTa and multilingual GTE.

Needs transformers 5, sentencepiece and protobuf. Each model is trained here on a few lines, so that
its file is small; SentencePiece's normalizer gets a few rules instead of all of NFKC's for the same
reason.

    PYTHONPATH=. python scripts/make_encoder_tokenizer_fixtures.py
"""

import base64
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer
from transformers import AutoTokenizer

from scripts.make_tokenizer_fixtures import Files, write, write_families

CONFIG, MODEL, MAP = "tokenizer_config.json", "config.json", "special_tokens_map.json"
LEARNED = [
    "the fox jumps over the hello world, and the fox runs",
    "Hello world, don't! The stone was red and the rain fell",
    "def f(x):\n    return x ** 2  # the square of x",
    "héllo 中国 東京に住む ภาษาไทย ru: привет мир",
    "a b c the the fox 1 2 3 11 12 2024",
]
TEXTS = [
    "Hello héllo 中国 jumps",
    "the [E11]fox [E11] a[E12]",
    "a [MASK] b <mask>  m<mask> <|mask|>fox [CLS] <s></s>",
    "don't, THE fox.",
    "",
    "   ",
    "  two  spaces \t\n tab\r\n\nline  ",
    "น้ำ e\u0301 ﬁ ＡＢＣ　① Å",
    "😀👩‍👩‍👧 ok",
    "if x:\n        return 2024",
    "``the'' fox",
    "▁the▁fox ▁",
    "[PAD][UNK]<unk> <pad><0x41>",
    "x\u0000y",
    "(the) fox",
]
PAIRS = [["a", "b"], ["the fox", "hello [E11] world"], ["", "a"]]

# A few of NFKC's, as code points: full-width letters, a ligature, a number in a ring, the Thai
# vowel, and white space.
RULES = {
    "Ａ": "A",
    "Ｂ": "B",
    "Ｃ": "C",
    "ﬁ": "fi",
    "①": "1",
    "ำ": "\u0e4d\u0e32",
    "\u3000": " ",
    "\t": " ",
    "\n": " ",
    "\r": " ",
}
PLAIN = {"lstrip": False, "rstrip": False, "normalized": False, "single_word": False}


def expected(files: Files) -> dict[str, Any]:
    """Tokenize as transformers does."""
    with tempfile.TemporaryDirectory() as folder:
        write(files, folder)
        try:
            own = AutoTokenizer.from_pretrained(folder)
            flags = {"return_offsets_mapping": True, "return_special_tokens_mask": True}
            flags["return_token_type_ids"] = True
            rows = [own(*texts, **flags) for texts in (*([text] for text in TEXTS), *PAIRS)]
        except Exception as error:  # whatever it raises is the fact
            return {"error": type(error).__name__}
        limit = own.model_max_length
        # A model that is given no types has none, whatever a template says.
        none = "model_input_names" in files.get(CONFIG, {})
        return {
            "class": type(own).__name__,
            "ids": [row["input_ids"] for row in rows],
            "types": [
                [0] * len(row["input_ids"]) if none else row["token_type_ids"] for row in rows
            ],
            "offsets": [[list(place) for place in row["offset_mapping"]] for row in rows],
            "special": [row["special_tokens_mask"] for row in rows],
            "max_length": int(limit) if limit < 1e20 else None,
            "size": len(own),
        }


def pieces(size: int = 150, **options: Any) -> sentencepiece_model_pb2.ModelProto:
    """Train a SentencePiece model."""
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder, "rules.tsv")
        points = (
            [" ".join(f"{ord(one):X}" for one in text) for text in rule] for rule in RULES.items()
        )
        rules.write_text(
            "".join(f"{before}\t{after}\n" for before, after in points), encoding="utf-8"
        )
        written = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(LEARNED * 4),
            model_writer=written,
            vocab_size=size,
            hard_vocab_limit=False,
            normalization_rule_tsv=str(rules),
            character_coverage=1.0,
            num_threads=1,
            minloglevel=2,
            **options,
        )
    model = sentencepiece_model_pb2.ModelProto.FromString(written.getvalue())
    model.normalizer_spec.ClearField("normalization_rule_tsv")
    return model


def file_of(model: sentencepiece_model_pb2.ModelProto) -> dict[str, str]:
    """Give a model's file."""
    written = model.SerializeToString(deterministic=True)
    return {"base64": base64.b64encode(written).decode("ascii")}


def deberta_v2_model() -> tuple[Files, dict[str, Files]]:
    """spm.model alone."""
    model = pieces(
        pad_id=0, bos_id=1, eos_id=2, unk_id=3,
        pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]", unk_piece="[UNK]",
    )  # fmt: skip
    size = len(model.pieces)
    mask = {"content": "[MASK]", **PLAIN, "lstrip": True}
    files = {"spm.model": file_of(model), MODEL: {"model_type": "deberta-v2"}}
    bytes_too = pieces(400, byte_fallback=True, add_dummy_prefix=False, unk_piece="[UNK]",
                       user_defined_symbols="(,the,[SEP]", control_symbols="[CLS]")  # fmt: skip
    cases: dict[str, Files] = {
        "plain": {},
        "as the hub's": {CONFIG: {"do_lower_case": False, "vocab_type": "spm"}},
        "lower": {CONFIG: {"do_lower_case": True}},
        "punctuation": {CONFIG: {"split_by_punct": True}},
        "no space": {CONFIG: {"add_prefix_space": False}},
        "added": {"added_tokens.json": {"[MASK]": size}},
        "added, other id": {"added_tokens.json": {"[MASK]": size + 2}},
        "additional": {CONFIG: {"additional_special_tokens": ["[E11]"]}},
        "additional in the map": {MAP: {"additional_special_tokens": ["[E11]"]}},
        "no additional": {CONFIG: {"extra_special_tokens": []}},
        "decoder": {CONFIG: {"added_tokens_decoder": {str(size): {**mask, "special": True}}}},
        "mask in the map": {MAP: {"mask_token": mask}},
        "no mask": {CONFIG: {"mask_token": None}},
        "other ends": {CONFIG: {"cls_token": "▁the", "sep_token": "<sep>"}},
        "no types": {CONFIG: {"model_input_names": ["input_ids", "attention_mask"]}},
        "length": {CONFIG: {"model_max_length": 512}},
        "bytes and pieces of the user's": {"spm.model": file_of(bytes_too)},
    }
    return files, cases


def xlm_roberta_model() -> tuple[Files, dict[str, Files]]:
    """sentencepiece.bpe.model alone, of XLM-RoBERTa's kin and CamemBERT's."""
    model = pieces()
    mask = {"content": "<mask>", **PLAIN, "lstrip": True}
    files = {"sentencepiece.bpe.model": file_of(model), MODEL: {"model_type": "xlm-roberta"}}
    named = {"tokenizer_class": "XLMRobertaTokenizer"}
    cases: dict[str, Files] = {
        "plain": {},
        "class": {CONFIG: {**named, "model_max_length": 512, "sp_model_kwargs": {}}},
        "no space": {CONFIG: {"add_prefix_space": False}},
        "mask": {CONFIG: {"mask_token": {"__type": "AddedToken", **mask, "normalized": True}}},
        "mask in the map": {CONFIG: named, MAP: {"mask_token": mask, "bos_token": "<s>"}},
        "other bos": {CONFIG: {"bos_token": "[B]", "cls_token": "[B]"}},
        "additional": {CONFIG: {"additional_special_tokens": ["[E11]"]}},
        "GTE": {MODEL: {"model_type": "gte"}},
        "GTE's own code": {MODEL: {"model_type": "new"}, CONFIG: named},
        "CamemBERT": {MODEL: {"model_type": "camembert"}},
        "CamemBERT, additional": {
            MODEL: {"model_type": "camembert"},
            CONFIG: {"additional_special_tokens": ["<s>NOTUSED", "</s>NOTUSED"]},
        },
        "no class": {MODEL: {"model_type": "new"}},
        "another's class": {CONFIG: {"tokenizer_class": "PreTrainedTokenizerFast"}},
    }
    return files, cases


def albert_model() -> tuple[Files, dict[str, Files]]:
    """spiece.model alone."""
    model = pieces(pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, control_symbols="[CLS],[SEP],[MASK]",
                   user_defined_symbols="(,)")  # fmt: skip
    files = {"spiece.model": file_of(model), MODEL: {"model_type": "albert"}}
    cases: dict[str, Files] = {
        "plain": {},
        "lower false": {CONFIG: {"do_lower_case": False}},
        "accents kept": {CONFIG: {"keep_accents": True}},
        "no space": {CONFIG: {"add_prefix_space": False}},
        "other ends": {CONFIG: {"cls_token": "(", "sep_token": ")"}},
    }
    return files, cases


def frame(tokenizer: Tokenizer, single: str, pair: str) -> None:
    """Give a tokenizer its template."""
    names = {one.partition(":")[0] for one in single.split() if one[0] != "$"}
    ids = [(name, tokenizer.token_to_id(name)) for name in sorted(names)]
    tokenizer.post_processor = TemplateProcessing(single=single, pair=pair, special_tokens=ids)


def trained(tokenizer: Tokenizer, size: int, **options: Any) -> Tokenizer:
    trainer = BpeTrainer(vocab_size=size, show_progress=False, **options)
    tokenizer.train_from_iterator(LEARNED * 4, trainer)
    return tokenizer


def documented(tokenizer: Tokenizer) -> Any:
    return json.loads(tokenizer.to_str())


def byte_level(splitter: Any = None, **options: Any) -> Tokenizer:
    """A byte-level BPE of few merges."""
    tokenizer = Tokenizer(models.BPE(**options))
    tokenizer.pre_tokenizer = splitter or pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return trained(tokenizer, 300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())


def modernbert_json() -> tuple[Files, dict[str, Files]]:
    """ModernBERT's: runs of spaces are tokens of their own, and the mask takes a space along."""
    tokenizer = byte_level()
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_tokens([AddedToken(" " * count, normalized=True) for count in range(8, 1, -1)])
    special = ["<|endoftext|>", "[UNK]", "[CLS]", "[SEP]", "[PAD]"]
    tokenizer.add_special_tokens([*special, AddedToken("[MASK]", lstrip=True, normalized=False)])
    tokenizer.add_tokens([AddedToken("[E11]", normalized=True)])
    frame(tokenizer, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1")
    names = {key: f"[{key.upper()}]" for key in ("unk", "cls", "sep", "pad", "mask")}
    tokens = {f"{key}_token": name for key, name in names.items()}
    listed = {str(one.pop("id")): one for one in map(dict, documented(tokenizer)["added_tokens"])}
    config = {
        **tokens,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": 8192,
        "clean_up_tokenization_spaces": True,
    }
    files = {
        "tokenizer.json": documented(tokenizer),
        CONFIG: {**config, "added_tokens_decoder": listed},
        MODEL: {"model_type": "modernbert"},
    }
    cases: dict[str, Files] = {
        "plain": {},
        "types": {CONFIG: {"model_input_names": "gone"}},
        "tokens in the map": {
            CONFIG: {"added_tokens_decoder": "gone"},
            MAP: {key: {**PLAIN, "content": name, "lstrip": key == "mask_token"}
                  for key, name in tokens.items()},
        },
        "saved by transformers 5": {
            CONFIG: {"added_tokens_decoder": "gone", "tokenizer_class": "TokenizersBackend",
                     "backend": "tokenizers", "is_local": True, "max_length": 5, "stride": 0,
                     "truncation_side": "right", "truncation_strategy": "longest_first"},
        },
        "BERT's class": {CONFIG: {"tokenizer_class": "BertTokenizer"}},
        "another's type": {MODEL: {"model_type": "flexbert"}},
        "no config": {CONFIG: None},
    }  # fmt: skip
    return files, cases


def eurobert_json() -> tuple[Files, dict[str, Files]]:
    """EuroBERT's, which is Llama 3's: words by a pattern, whole tokens before merges."""
    words = Regex(
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
        r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    before = pre_tokenizers
    splitter = before.Sequence(
        [
            before.Split(words, "isolated"),
            before.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer = byte_level(splitter, ignore_merges=True)
    begin, end = "<|begin_of_text|>", "<|end_of_text|>"
    tokenizer.add_special_tokens([begin, end, "<|mask|>", "<|pad|>"])
    frame(
        tokenizer,
        f"{begin}:0 $A:0 {end}:0",
        f"{begin}:0 $A:0 {end}:0 {begin}:1 $B:1 {end}:1",
    )
    document = documented(tokenizer)
    template = document["post_processor"]
    offsets = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False}
    config = {
        "bos_token": begin,
        "eos_token": end,
        "mask_token": "<|mask|>",
        "pad_token": "<|pad|>",
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": 8192,
    }
    files = {"tokenizer.json": document, CONFIG: config, MODEL: {"model_type": "eurobert"}}
    sequence = {"type": "Sequence", "processors": [{**offsets, "use_regex": True}, template]}
    trimmed = {**offsets, "use_regex": True, "trim_offsets": True}
    cases: dict[str, Files] = {
        "plain": {},
        "types": {CONFIG: {"model_input_names": "gone"}},
        "Llama's class": {CONFIG: {"tokenizer_class": "LlamaTokenizerFast"}},
        "Llama's sequence": {"tokenizer.json": {"post_processor": sequence}},
        "trimmed": {
            "tokenizer.json": {
                "post_processor": {"type": "Sequence", "processors": [trimmed, template]}
            }
        },
        "no frame": {"tokenizer.json": {"post_processor": None}, CONFIG: {"add_bos_token": True}},
    }
    return files, cases


def mmbert_json() -> tuple[Files, dict[str, Files]]:
    """mmBERT's, which is Gemma 2's: spaces are marked, and bytes stand for what has no token."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    trained(tokenizer, 420, special_tokens=[*special, *(f"<0x{one:02X}>" for one in range(256))])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    frame(tokenizer, "<bos>:0 $A:0 <eos>:0", "<bos>:0 $A:0 <eos>:0 $B:1 <eos>:1")
    document = documented(tokenizer)
    # Gemma's bytes are tokens of the vocabulary alone: a text that has one's name isn't it.
    document["added_tokens"] = document["added_tokens"][: len(special)]
    document["added_tokens"][4]["lstrip"] = True
    size = len(document["model"]["vocab"])
    document["added_tokens"] += [
        {"id": size + i, "content": content, **PLAIN, "special": content[0] == "<"}
        for i, content in enumerate(["\n\n", "  ", "[E11]", "<start_of_turn>"])
    ]
    config = {
        **{f"{key}_token": f"<{key}>" for key in ("bos", "eos", "mask", "pad", "unk")},
        "cls_token": "<bos>",
        "sep_token": "<eos>",
        "add_bos_token": True,
        "add_eos_token": False,
        "legacy": True,
        "sp_model_kwargs": {},
        "spaces_between_special_tokens": False,
        "tokenizer_class": "GemmaTokenizerFast",
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": 8192,
    }
    files = {"tokenizer.json": document, CONFIG: config, MODEL: {"model_type": "modernbert"}}
    cases: dict[str, Files] = {
        "plain": {},
        "types": {CONFIG: {"model_input_names": "gone"}},
        "generic class": {CONFIG: {"tokenizer_class": "PreTrainedTokenizerFast"}},
    }
    return files, cases


def deberta_json() -> tuple[Files, dict[str, Files]]:
    """The first DeBERTa's."""
    tokenizer = byte_level()
    tokenizer.add_special_tokens(["[CLS]", "[PAD]", "[SEP]", "[UNK]"])
    tokenizer.add_special_tokens([AddedToken("[MASK]", lstrip=True)])
    frame(tokenizer, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1")
    config = {"tokenizer_class": "DebertaTokenizer", "vocab_type": "gpt2", "add_bos_token": False}
    files = {
        "tokenizer.json": documented(tokenizer),
        CONFIG: config,
        MODEL: {"model_type": "deberta"},
    }
    cases: dict[str, Files] = {
        "plain": {},
        "mask": {CONFIG: {"mask_token": "[MASK]"}},
        "space": {CONFIG: {"add_prefix_space": True}},
    }
    return files, cases


def main() -> None:
    write_families(
        (
            deberta_v2_model,
            xlm_roberta_model,
            albert_model,
            modernbert_json,
            eurobert_json,
            mmbert_json,
            deberta_json,
        )
    )


if __name__ == "__main__":
    main()
