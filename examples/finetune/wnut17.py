"""Fine-tune MiniLM to find names in tweets and posts, and find them with Bertie.

Run it: python examples/finetune/wnut17.py --data FOLDER --output FOLDER

--data has WNUT-17's wnut17train.conll and emerging.dev.conll. The checkpoint goes to --output; one
that is there already is only evaluated. About 7 minutes on 2 cores.
"""

import argparse
import random
from pathlib import Path

import data
import torch
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    BatchEncoding,
    get_linear_schedule_with_warmup,
)

import bertie
from bertie.evaluate import score_spans

KINDS = ("corporation", "creative-work", "group", "location", "person", "product")
LABELS = ["O", *(f"{place}-{kind}" for kind in KINDS for place in "BI")]
MAX_LENGTH, EPOCHS, BATCH, RATE = 128, 2, 32, 1e-4

Tags = list[str]


def first_pieces(inputs: BatchEncoding, row: int) -> list[tuple[int, int]]:
    """Return (token, word) of each word's first token."""
    words = inputs.word_ids(row)
    places = [(i, word) for i, word in enumerate(words) if word is not None]
    return [(i, word) for i, word in places if words[i - 1] != word]


def train(base: str, rows: list[tuple[list[str], Tags]], output: Path) -> None:
    random.seed(0)
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(base, model_max_length=MAX_LENGTH)
    model = AutoModelForTokenClassification.from_pretrained(
        base, id2label=dict(enumerate(LABELS)), label2id={n: i for i, n in enumerate(LABELS)}
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    steps = EPOCHS * -(-len(rows) // BATCH)
    schedule = get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    model.train()
    for epoch in range(EPOCHS):
        total = 0.0
        for batch in data.batches(rows, BATCH, length=lambda row: sum(map(len, row[0]))):
            inputs = tokenizer(
                [words for words, _ in batch],
                is_split_into_words=True,
                padding=True,
                truncation=True,
                return_tensors="pt",
            )
            labels = torch.full_like(inputs["input_ids"], -100)  # which the loss leaves out
            for row, (_, tags) in enumerate(batch):
                for token, word in first_pieces(inputs, row):
                    labels[row, token] = LABELS.index(tags[word])
            loss = model(**inputs, labels=labels).loss
            loss.backward()
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            total += loss.item() * len(batch)
        print(f"epoch {epoch + 1} of {EPOCHS}: mean loss {total / len(rows):.3f}", flush=True)
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)


@torch.inference_mode()
def tags_of_transformers(checkpoint: Path, sentences: list[list[str]]) -> list[Tags]:
    """Tag each word as its first token is; words that were cut off are O."""
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModelForTokenClassification.from_pretrained(checkpoint).eval()
    found = []
    for start in range(0, len(sentences), BATCH):
        batch = sentences[start : start + BATCH]
        inputs = tokenizer(
            batch, is_split_into_words=True, padding=True, truncation=True, return_tensors="pt"
        )
        best = model(**inputs).logits.argmax(-1)
        for row, words in enumerate(batch):
            tags = ["O"] * len(words)
            for token, word in first_pieces(inputs, row):
                tags[word] = model.config.id2label[int(best[row, token])]
            found.append(tags)
    return found


def tags_of_bertie(checkpoint: Path, sentences: list[list[str]]) -> list[Tags]:
    model = bertie.load(checkpoint, precision="float32")
    return [[word.label for word in words] for words in model.tag(sentences, split_words=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="sentence-transformers/all-MiniLM-L6-v2")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    if not (arguments.output / "config.json").is_file():
        rows = data.wnut17(arguments.data / "wnut17train.conll")
        train(arguments.model, rows, arguments.output)
    dev = data.wnut17(arguments.data / "emerging.dev.conll")
    sentences, gold = [words for words, _ in dev], [tags for _, tags in dev]
    for name, tag in (("transformers", tags_of_transformers), ("Bertie", tags_of_bertie)):
        scores = score_spans(gold, tag(arguments.output, sentences))
        print(
            f"{name}: F1 {scores.f1:.4f}, precision {scores.precision:.4f}, recall"
            f" {scores.recall:.4f}, {scores.gold} names",
            flush=True,
        )


if __name__ == "__main__":
    main()
