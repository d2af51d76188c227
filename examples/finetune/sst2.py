"""Fine-tune MiniLM to tell kind sentences about films from unkind ones, and classify with Bertie.

Run it: python examples/finetune/sst2.py --data FOLDER --output FOLDER

--data has SST-2's train.tsv and dev.tsv: a sentence, a tab, 0 or 1. The checkpoint goes to
--output; one that is there already is only evaluated. About 5 minutes on 2 cores.
"""

import argparse
import random
from pathlib import Path

import data
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    get_linear_schedule_with_warmup,
)

import bertie

LABELS = ["negative", "positive"]
MAX_LENGTH, EPOCHS, BATCH, RATE = 64, 1, 32, 1e-4


def train(base: str, rows: list[tuple[str, int]], output: Path) -> None:
    random.seed(0)
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(base, model_max_length=MAX_LENGTH)
    model = AutoModelForSequenceClassification.from_pretrained(
        base, id2label=dict(enumerate(LABELS)), label2id={n: i for i, n in enumerate(LABELS)}
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    steps = EPOCHS * -(-len(rows) // BATCH)
    schedule = get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    model.train()
    for epoch in range(EPOCHS):
        total = 0.0
        for batch in data.batches(rows, BATCH, length=lambda row: len(row[0])):
            sentences, labels = zip(*batch, strict=True)
            inputs = tokenizer(sentences, padding=True, truncation=True, return_tensors="pt")
            loss = model(**inputs, labels=torch.tensor(labels)).loss
            loss.backward()
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            total += loss.item() * len(batch)
        print(f"epoch {epoch + 1} of {EPOCHS}: mean loss {total / len(rows):.3f}", flush=True)
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)


@torch.inference_mode()
def labels_of_transformers(checkpoint: Path, sentences: list[str]) -> list[str]:
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModelForSequenceClassification.from_pretrained(checkpoint).eval()
    found = []
    for start in range(0, len(sentences), BATCH):
        batch = sentences[start : start + BATCH]
        inputs = tokenizer(batch, padding=True, truncation=True, return_tensors="pt")
        best = model(**inputs).logits.argmax(-1).tolist()
        found += [model.config.id2label[i] for i in best]
    return found


def labels_of_bertie(checkpoint: Path, sentences: list[str]) -> list[str]:
    model = bertie.load(checkpoint, precision="float32")
    return [labels[0].label for labels in model.classify(sentences)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="sentence-transformers/all-MiniLM-L6-v2")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    if not (arguments.output / "config.json").is_file():
        train(arguments.model, data.sst2(arguments.data / "train.tsv"), arguments.output)
    dev = data.sst2(arguments.data / "dev.tsv")
    sentences, right = [sentence for sentence, _ in dev], [LABELS[label] for _, label in dev]
    for name, predict in (("transformers", labels_of_transformers), ("Bertie", labels_of_bertie)):
        found = predict(arguments.output, sentences)
        hits = sum(a == b for a, b in zip(found, right, strict=True))
        print(f"{name}: accuracy {hits / len(dev):.4f}, {hits} of {len(dev)}", flush=True)


if __name__ == "__main__":
    main()
