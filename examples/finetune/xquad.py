"""Fine-tune MiniLM to answer questions from Spanish and German texts, and answer with Bertie.

Run it: python examples/finetune/xquad.py --data FOLDER --output FOLDER

--data has XQuAD's xquad.es.json and xquad.de.json; the last 8 of their 48 articles are kept for
evaluating. The checkpoint goes to --output; one that is there already is only evaluated. About 12
minutes on 2 cores, less with fewer --questions. MiniLM has read English alone, and 2000 questions
are few: this shows the road, not a model to use.
"""

import argparse
import random
from pathlib import Path
from typing import Any

import data
import torch
from transformers import (
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    BatchEncoding,
    get_linear_schedule_with_warmup,
)

import bertie
from bertie.evaluate import score_answers

MAX_LENGTH, EPOCHS, BATCH, RATE = 192, 1, 16, 1e-4
STRIDE = MAX_LENGTH // 4  # tokens that a window shares with the one before it, as in Bertie
LONGEST_ANSWER = 15  # tokens

Question = dict[str, Any]


def windows(tokenizer: Any, questions: list[Question]) -> BatchEncoding:
    """Tokenize questions with their contexts, the contexts in as many windows as it takes."""
    return tokenizer(
        [question["question"] for question in questions],
        [question["context"] for question in questions],
        truncation="only_second",
        stride=STRIDE,
        padding=True,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_tensors="pt",
    )


def targets(inputs: BatchEncoding, questions: list[Question]) -> dict[int, tuple[int, int, int]]:
    """Find each question's first window with its answer: (window, first token, last token)."""
    found: dict[int, tuple[int, int, int]] = {}
    for row, number in enumerate(inputs["overflow_to_sample_mapping"].tolist()):
        answer = questions[number]["answers"][0]
        begin, length = answer["answer_start"], len(answer["text"])
        first = inputs.char_to_token(row, begin, sequence_index=1)
        last = inputs.char_to_token(row, begin + length - 1, sequence_index=1)
        if first is not None and last is not None:
            found.setdefault(number, (row, first, last))
    return found


def train(base: str, questions: list[Question], output: Path) -> None:
    random.seed(0)
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(base, model_max_length=MAX_LENGTH)
    model = AutoModelForQuestionAnswering.from_pretrained(base)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    steps = EPOCHS * -(-len(questions) // BATCH)
    schedule = get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    model.train()
    for epoch in range(EPOCHS):
        total = 0.0
        for batch in data.batches(questions, BATCH, length=lambda row: len(row["context"])):
            inputs = windows(tokenizer, batch)
            places = torch.tensor(list(targets(inputs, batch).values())).reshape(-1, 3)
            rows, starts, ends = places.unbind(1)
            names = ("input_ids", "token_type_ids", "attention_mask")
            loss = model(
                **{name: inputs[name][rows] for name in names},
                start_positions=starts,
                end_positions=ends,
            ).loss
            loss.backward()
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            total += loss.item() * len(batch)
        print(f"epoch {epoch + 1} of {EPOCHS}: mean loss {total / len(questions):.3f}", flush=True)
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)


def owned(inputs: BatchEncoding, count: int) -> torch.Tensor:
    """Mark the tokens of the context, each in that of the windows where it has most context."""
    best: dict[tuple[int, int], tuple[int, int, int]] = {}
    for row in range(count):
        tokens = [i for i, which in enumerate(inputs.sequence_ids(row)) if which == 1]
        for place, token in enumerate(tokens):
            left = len(tokens) if row == 0 else place
            right = len(tokens) if row == count - 1 else len(tokens) - 1 - place
            where = inputs.token_to_chars(row, token)
            context, *_ = best.get((where.start, where.end), (-1,))
            if min(left, right) > context:
                best[where.start, where.end] = (min(left, right), row, token)
    mask = torch.zeros(inputs["input_ids"].shape, dtype=torch.bool)
    for _, row, token in best.values():
        mask[row, token] = True
    return mask


@torch.inference_mode()
def answers_of_transformers(checkpoint: Path, questions: list[Question]) -> list[str]:
    """Answer with the span of the context, over all windows, whose two logits add up to most."""
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModelForQuestionAnswering.from_pretrained(checkpoint).eval()
    allowed = torch.ones(MAX_LENGTH, MAX_LENGTH, dtype=torch.bool).triu().tril(LONGEST_ANSWER - 1)
    found = []
    for question in questions:
        inputs = windows(tokenizer, [question])
        places = inputs.pop("offset_mapping")
        inputs.pop("overflow_to_sample_mapping")
        output = model(**inputs)
        count, size = inputs["input_ids"].shape
        context = torch.tensor(
            [[which == 1 for which in inputs.sequence_ids(row)] for row in range(count)]
        )
        starts = output.start_logits.masked_fill(~owned(inputs, count), -torch.inf)
        ends = output.end_logits.masked_fill(~context, -torch.inf)
        scores = starts[:, :, None] + ends[:, None, :]
        best = int(scores.masked_fill(~allowed[:size, :size], -torch.inf).argmax())
        row, start, end = best // size**2, best // size % size, best % size
        found.append(question["context"][int(places[row, start, 0]) : int(places[row, end, 1])])
    return found


def answers_of_bertie(checkpoint: Path, questions: list[Question]) -> list[str]:
    model = bertie.load(checkpoint, precision="float32")
    answers = model.answer(
        [question["question"] for question in questions],
        [question["context"] for question in questions],
        max_answer_length=LONGEST_ANSWER,
        whole_words=False,
    )
    return [answer.text for answer in answers]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="sentence-transformers/all-MiniLM-L6-v2")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--questions", type=int, help="to train with (default: all)")
    arguments = parser.parse_args()
    articles = [data.squad(arguments.data / f"xquad.{language}.json") for language in ("es", "de")]
    if not (arguments.output / "config.json").is_file():
        questions = [q for both in articles for article in both[:-8] for q in article]
        random.seed(0)
        chosen = random.sample(questions, min(arguments.questions or 10**9, len(questions)))
        train(arguments.model, chosen, arguments.output)
    dev = [q for both in articles for article in both[-8:] for q in article]
    # The same question has the same id in both languages.
    gold = {str(i): [answer["text"] for answer in q["answers"]] for i, q in enumerate(dev)}
    for name, answer in (("transformers", answers_of_transformers), ("Bertie", answers_of_bertie)):
        found = answer(arguments.output, dev)
        scores = score_answers(gold, {str(i): text for i, text in enumerate(found)})
        print(
            f"{name}: exact match {scores.exact_match:.4f}, F1 {scores.f1:.4f},"
            f" {scores.questions} questions",
            flush=True,
        )


if __name__ == "__main__":
    main()
