"""Fine-tune MiniLM to tell whether one sentence follows from another, and do it with Bertie.

Run it: python examples/finetune/sick.py --data FOLDER --output FOLDER

--data has SICK's SICK_train.txt and SICK_trial.txt. The checkpoint goes to --output; one that is
there already is only evaluated. About 8 minutes on 2 cores.
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

LABELS = ["contradiction", "neutral", "entailment"]
MAX_LENGTH, EPOCHS, BATCH, RATE = 96, 2, 32, 1e-4

Pairs = list[tuple[str, str]]


def train(base: str, rows: list[tuple[str, str, str]], output: Path) -> None:
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
        for batch in data.batches(rows, BATCH, length=lambda row: len(row[0]) + len(row[1])):
            first, second, judgments = zip(*batch, strict=True)
            inputs = tokenizer(first, second, padding=True, truncation=True, return_tensors="pt")
            labels = torch.tensor([LABELS.index(judgment) for judgment in judgments])
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
def labels_of_transformers(checkpoint: Path, pairs: Pairs) -> list[str]:
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModelForSequenceClassification.from_pretrained(checkpoint).eval()
    found = []
    for start in range(0, len(pairs), BATCH):
        first, second = zip(*pairs[start : start + BATCH], strict=True)
        inputs = tokenizer(first, second, padding=True, truncation=True, return_tensors="pt")
        best = model(**inputs).logits.argmax(-1).tolist()
        found += [model.config.id2label[i] for i in best]
    return found


def labels_of_bertie(checkpoint: Path, pairs: Pairs) -> list[str]:
    model = bertie.load(checkpoint, precision="float32")
    return [labels[0].label for labels in model.classify(pairs)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="sentence-transformers/all-MiniLM-L6-v2")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    if not (arguments.output / "config.json").is_file():
        train(arguments.model, data.sick(arguments.data / "SICK_train.txt"), arguments.output)
    dev = data.sick(arguments.data / "SICK_trial.txt")
    pairs = [(first, second) for first, second, _ in dev]
    for name, predict in (("transformers", labels_of_transformers), ("Bertie", labels_of_bertie)):
        found = predict(arguments.output, pairs)
        hits = sum(a == right for a, (_, _, right) in zip(found, dev, strict=True))
        print(f"{name}: accuracy {hits / len(dev):.4f}, {hits} of {len(dev)}", flush=True)


if __name__ == "__main__":
    main()
