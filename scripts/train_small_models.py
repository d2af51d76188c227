"""Train small encoders from scratch, to measure on them what random weights don't show.

Needs torch, transformers (5 or later) and sentence-transformers (6 or later):

    python scripts/train_small_models.py DATA [--out DIR] [--architecture NAME]... [--threads N]
        [--words-minutes M] [--task-minutes M]

Of each architecture, a ModernBERT and a DeBERTa-v3 with tokenizers of their own, come a sentence
embedder (NAME-sts, saved by sentence-transformers) and a classifier of sentiment (NAME-sst2, saved
by transformers). Both first learn masked words. scripts/small_model_texts.py says what is read of
DATA. The limits are in minutes of processor time and for slow computers: whoever meets one gets
other weights than whoever doesn't.
"""

import argparse
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import numpy as np
import torch
import transformers
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.losses import CoSENTLoss
from sentence_transformers.sentence_transformer.modules import Pooling
from similarity import spearman
from small_model_texts import SmallModelTexts
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    DebertaV2Config,
    DebertaV2Tokenizer,
    ModernBertConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
)

transformers.logging.disable_progress_bar()

SEED = 16
VOCABULARY = 8_000
LENGTH = 256  # tokens, the most of a text
MASKED = 0.2  # of a text's tokens

SPECIAL = {
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "mask_token": "[MASK]",
}


@dataclass(frozen=True)
class Architecture:
    """What sets an architecture apart.

    Attributes:
        tokenizer: makes its tokenizer from texts.
        config: makes its config, knowing the tokenizer.
    """

    tokenizer: Callable[[Sequence[str]], Any]
    config: Callable[[Any], PreTrainedConfig]


@dataclass(frozen=True)
class Course:
    """How long something is trained, and how boldly.

    Attributes:
        epochs: how often everything is read.
        tokens: tokens in a batch, about.
        rate: the learning rate at its highest.
        minutes: the most that it may take, of processor time.
    """

    epochs: int
    tokens: int
    rate: float
    minutes: float


def byte_level_bpe(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """Make a tokenizer such as ModernBERT's."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    names = ["input_ids", "attention_mask"]
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=LENGTH, model_input_names=names, **SPECIAL
    )


def unigram(texts: Sequence[str]) -> Any:
    """Make a tokenizer such as DeBERTa-v3's."""
    empty = DebertaV2Tokenizer(model_max_length=LENGTH)
    return empty.train_new_from_iterator(texts, VOCABULARY, show_progress=False)


def modernbert(tokenizer: Any) -> ModernBertConfig:
    """Shape a ModernBERT of four layers, the first and the last of which see everything."""
    return ModernBertConfig(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=1024,
        local_attention=64,
        initializer_range=0.05,  # for this width; with 0.02 blocks hardly count beside the sums
        embedding_dropout=0.1,
        mlp_dropout=0.1,
        attention_dropout=0.1,
        classifier_dropout=0.1,
        classifier_pooling="mean",
        **token_ids(tokenizer),
    )


def deberta(tokenizer: Any) -> DebertaV2Config:
    """Shape a DeBERTa-v3 of four layers, with fewer buckets of distances."""
    return DebertaV2Config(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=1024,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=512,
        relative_attention=True,
        position_buckets=64,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type="p2c|c2p",
        position_biased_input=False,
        **token_ids(tokenizer),
    )


def token_ids(tokenizer: Any) -> dict[str, int]:
    """Tell a config where its tokenizer's special tokens are."""
    return {
        "pad_token_id": tokenizer.pad_token_id,
        "cls_token_id": tokenizer.cls_token_id,
        "sep_token_id": tokenizer.sep_token_id,
        "bos_token_id": tokenizer.cls_token_id,
        "eos_token_id": tokenizer.sep_token_id,
    }


ARCHITECTURES = {
    "modernbert": Architecture(byte_level_bpe, modernbert),
    "deberta": Architecture(unigram, deberta),
}


class WordHead(nn.Module):
    """Guesses masked words; it isn't kept."""

    def __init__(self, hidden: int, words: nn.Embedding) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.bias = nn.Parameter(torch.zeros(words.num_embeddings))
        self.words = words

    def forward(self, hidden: Tensor) -> Tensor:
        """Give the vocabulary's logits."""
        hidden = self.norm(nn.functional.gelu(self.dense(hidden)))
        return nn.functional.linear(hidden, self.words.weight, self.bias)


def batches(lengths: Sequence[int], tokens: int, generator: random.Random) -> list[list[int]]:
    """Group items of similar lengths, so that a batch with its padding has about so many tokens."""
    order = sorted(range(len(lengths)), key=lambda i: lengths[i] + generator.random() * 4)
    groups: list[list[int]] = [[]]
    for i in order:
        if groups[-1] and (len(groups[-1]) + 1) * lengths[i] > tokens:
            groups.append([])
        groups[-1].append(i)
    generator.shuffle(groups)
    return groups


def train(
    name: str,
    module: nn.Module,
    lengths: Sequence[int],
    loss_of: Callable[[list[int]], Tensor],
    course: Course,
) -> None:
    """Lower a loss, and say how it goes.

    Args:
        name: what is trained, for the progress lines.
        module: whose parameters change.
        lengths: tokens of each item.
        loss_of: computes the loss of some items.
        course: for how long.
    """
    generator = random.Random(SEED)
    plan = [g for _ in range(course.epochs) for g in batches(lengths, course.tokens, generator)]
    decayed = [p for p in module.parameters() if p.ndim > 1]
    others = [p for p in module.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
        lr=course.rate,
        betas=(0.9, 0.98),
    )
    module.train()
    start = said = time.process_time()
    losses: list[float] = []
    for step, group in enumerate(plan):
        now = time.process_time()
        # Who runs out of time still ends with a low rate.
        done = max(step / len(plan), (now - start) / (60 * course.minutes))
        if done >= 1:
            break
        rate = course.rate * min((step + 1) / (0.06 * len(plan)), 1 - done)
        for parameters in optimizer.param_groups:
            parameters["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(group)
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        if now - said > 15 or step + 1 == len(plan):
            said = now
            recent = np.mean(losses[-50:])
            print(
                f"{name}: step {step + 1} of {len(plan)}, {now - start:.0f} s, loss {recent:.3f}",
                flush=True,
            )
    module.eval()


def learn_words(
    name: str, model: nn.Module, tokenizer: Any, texts: Sequence[str], course: Course
) -> None:
    """Train an encoder on masked words."""
    ids = tokenizer(list(texts), truncation=True, max_length=LENGTH)["input_ids"]
    special = torch.tensor(tokenizer.all_special_ids)
    head = WordHead(model.config.hidden_size, model.get_input_embeddings())
    generator = torch.Generator().manual_seed(SEED)

    def loss_of(group: list[int]) -> Tensor:
        inputs = tokenizer.pad({"input_ids": [ids[i] for i in group]}, return_tensors="pt")
        words = inputs["input_ids"]
        drawn = torch.rand(words.shape, generator=generator)
        chosen = (drawn < MASKED) & ~torch.isin(words, special)
        # Of those chosen a tenth stays and a tenth becomes any word, as in BERT.
        other = torch.randint(len(tokenizer), words.shape, generator=generator)
        masked = torch.where(chosen & (drawn < 0.8 * MASKED), tokenizer.mask_token_id, words)
        masked = torch.where(chosen & (drawn >= 0.9 * MASKED), other, masked)
        mask = inputs["attention_mask"]
        hidden = model(input_ids=masked, attention_mask=mask).last_hidden_state
        return nn.functional.cross_entropy(head(hidden[chosen]).float(), words[chosen])

    train(name, nn.ModuleList([model, head]), [len(i) for i in ids], loss_of, course)


def embedder(name: str, start: Path, texts: SmallModelTexts, course: Course) -> SentenceTransformer:
    """Train a sentence embedder on how similar people found pairs of sentences."""
    transformer = Transformer(str(start), max_seq_length=LENGTH)
    pooling = Pooling(transformer.get_embedding_dimension(), "mean")
    model = SentenceTransformer(modules=[transformer, pooling], device="cpu")
    loss = CoSENTLoss(model)
    pairs = texts.pairs
    scores = torch.tensor(pairs.scores)

    def loss_of(group: list[int]) -> Tensor:
        sides = [model.preprocess([side[i] for i in group]) for side in (pairs.first, pairs.second)]
        return loss(sides, scores[group])

    lengths = [len((a + b).split()) for a, b in zip(pairs.first, pairs.second, strict=True)]
    train(name, model, lengths, loss_of, course)

    held_out = texts.held_out_pairs
    first, second = (
        model.encode(list(side), normalize_embeddings=True)
        for side in (held_out.first, held_out.second)
    )
    found = spearman((first * second).sum(axis=1), np.array(held_out.scores))
    print(f"{name}: Spearman {100 * found:.2f} on {len(held_out.scores)} held-out pairs")
    return model


def classifier(
    name: str, start: Path, tokenizer: Any, texts: SmallModelTexts, course: Course
) -> nn.Module:
    """Train a classifier of sentiment."""
    model = AutoModelForSequenceClassification.from_pretrained(
        start, id2label={0: "negative", 1: "positive"}, label2id={"negative": 0, "positive": 1}
    )
    sentences = texts.sentences

    def logits(batch: Sequence[str]) -> Tensor:
        inputs = tokenizer(
            list(batch), truncation=True, max_length=LENGTH, padding=True, return_tensors="pt"
        )
        return model(**inputs).logits.float()

    def loss_of(group: list[int]) -> Tensor:
        wanted = torch.tensor([sentences.labels[i] for i in group])
        found = logits([sentences.texts[i] for i in group])
        return nn.functional.cross_entropy(found, wanted)

    train(name, model, [len(text.split()) for text in sentences.texts], loss_of, course)

    held_out = texts.held_out_sentences
    with torch.inference_mode():
        found = torch.cat([logits(part).argmax(dim=1) for part in chunks(held_out.texts, 32)])
    right = (found == torch.tensor(held_out.labels)).float().mean().item()
    print(f"{name}: accuracy {100 * right:.2f} on {len(held_out.labels)} held-out sentences")
    return model


def chunks(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Cut texts into parts."""
    return (texts[i : i + size] for i in range(0, len(texts), size))


def make(name: str, texts: SmallModelTexts, out: Path, words: Course, task: Course) -> None:
    """Train and save an encoder and its two models."""
    torch.manual_seed(SEED)
    architecture = ARCHITECTURES[name]
    tokenizer = architecture.tokenizer(texts.all)
    model = AutoModel.from_config(architecture.config(tokenizer))
    size = sum(p.numel() for p in model.parameters())
    print(f"{name}: {size / 1e6:.1f} M parameters, {len(texts.all)} texts", flush=True)
    learn_words(f"{name}, words", model, tokenizer, texts.all, words)
    start = out / f"{name}-words"
    model.save_pretrained(start)
    tokenizer.save_pretrained(start)
    embedder(f"{name}-sts", start, texts, task).save_pretrained(str(out / f"{name}-sts"))
    classifier(f"{name}-sst2", start, tokenizer, texts, task).save_pretrained(out / f"{name}-sst2")
    tokenizer.save_pretrained(out / f"{name}-sst2")


def main() -> None:
    """Train what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("build/small-models"))
    parser.add_argument("--architecture", choices=ARCHITECTURES, action="append")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--words-minutes", type=float, default=15)
    parser.add_argument("--task-minutes", type=float, default=5)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    words = Course(epochs=3, tokens=2048, rate=1.5e-3, minutes=given.words_minutes)
    task = Course(epochs=3, tokens=1024, rate=2e-4, minutes=given.task_minutes)
    for name in given.architecture or ARCHITECTURES:
        make(name, SmallModelTexts(given.data), given.out, words, task)


if __name__ == "__main__":
    main()
