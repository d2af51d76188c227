"""Compare every task with transformers on the same fine-tuned checkpoints, and every precision.

    python scripts/compare_tasks.py DATA [--sst2 MODEL] [--sick MODEL] [--wnut17 MODEL]
                                    [--xquad MODEL] [--only NAME ...] [--threads N]

DATA has sst2/dev.tsv, sick/SICK_trial.txt, wnut17/emerging.dev.conll and xquad/xquad.*.json; the
models are what examples/finetune leaves. Compared in float32: logits and labels of texts and pairs,
spans by every aggregation, best answers by the rule of Reader.answer, zero-shot labels, and on tiny
random checkpoints masked words, likelihoods and next sentences. Then what each precision scores.
Prints a table; exits with 1 when a bar doesn't hold. Needs torch and transformers.
"""

import argparse
import math
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

import bertie
from bertie.evaluate.gold import Question, read_labelled, read_questions, read_tagged
from bertie.evaluate.run import evaluate
from bertie.tasks.tag import AGGREGATIONS

Floats = NDArray[np.float32]

# The largest absolute difference of logits and scores in float32.
TOLERANCE = 1e-4
# How far a precision's metric may be from float32's: points, or examples if those are more.
POINTS, EXAMPLES = 0.3, 2


@dataclass(frozen=True)
class Row:
    """A line of the table: what was compared, on how much, what was found, whether it will do."""

    what: str
    count: int
    found: str
    kept: bool


@dataclass(frozen=True)
class Given:
    """The arguments."""

    data: Path
    models: dict[str, Path]
    threads: int | None

    def load(self, name: str | Path, task: str, precision: str = "float32") -> Any:
        """Load a fine-tuned model by its name, or another one by its directory."""
        path = self.models.get(str(name), name)
        return bertie.load(path, task=task, precision=precision, threads=self.threads)


def close(what: str, found: Any, expected: Any, different: int = 0) -> Row:
    """Compare numbers, beside labels or spans of which so many differ."""
    largest = float(np.abs(np.asarray(found) - np.asarray(expected)).max(initial=0))
    said = f"largest difference {largest:.1e}, {different} differ"
    return Row(what, len(found), said, largest <= TOLERANCE and different == 0)


def their_logits(model: Any, tokenizer: Any, first: list[str], second: list[str] | None) -> Floats:
    """Compute a sequence classifier's logits in transformers, a few texts of like length a time."""
    order = sorted(range(len(first)), key=lambda i: len(first[i]))
    rows: list[Any] = [None] * len(first)
    for begin in range(0, len(order), 16):
        some = order[begin : begin + 16]
        pair = None if second is None else [second[i] for i in some]
        batch = tokenizer(
            [first[i] for i in some], pair, padding=True, truncation=True, return_tensors="pt"
        )
        with torch.no_grad():
            logits = model(**batch).logits.numpy()
        for i, row in zip(some, logits, strict=True):
            rows[i] = row
    return np.stack(rows)


def compare_classify(given: Given, name: str, file: str) -> Iterator[Row]:
    """Compare logits and labels over a whole dev set."""
    examples = read_labelled(given.data / file)
    ours = given.load(name, "classify")
    tokenizer, model = theirs(given.models[name], "SequenceClassification")
    second = [example.pair or "" for example in examples] if examples[0].pair else None
    expected = their_logits(model, tokenizer, [example.text for example in examples], second)
    inputs = [(e.text, e.pair) if e.pair else e.text for e in examples]
    ranked = ours.classify(inputs, raw=True)
    found = np.array([[{x.label: x.score for x in r}[n] for n in ours.labels] for r in ranked])
    best = [model.config.id2label[int(i)] for i in expected.argmax(axis=1)]
    different = sum(r[0].label != label for r, label in zip(ranked, best, strict=True))
    yield close(f"{name}: logits, labels", found, expected, different)


def theirs(path: Path, kind: str) -> tuple[Any, Any]:
    """Load a tokenizer and a model with a head in transformers."""
    model = getattr(transformers, f"AutoModelFor{kind}").from_pretrained(path, dtype="float32")
    return transformers.AutoTokenizer.from_pretrained(path), model.eval()


def compare_tag(given: Given) -> Iterator[Row]:
    """Compare spans by every aggregation with transformers' pipeline."""
    texts = [" ".join(e.words) for e in read_tagged(given.data / "wnut17/emerging.dev.conll")]
    ours = given.load("wnut17", "tag")
    tokenizer, model = theirs(given.models["wnut17"], "TokenClassification")
    for aggregation in AGGREGATIONS:
        pipeline = transformers.TokenClassificationPipeline(
            model=model, tokenizer=tokenizer, aggregation_strategy=aggregation
        )
        found = ours.tag(texts, aggregation=aggregation, truncate="right")
        scores: list[tuple[float, float]] = []
        different = explained = 0
        for text, spans in zip(texts, found, strict=True):
            kind = "entity" if aggregation == "none" else "entity_group"
            expected = [(e[kind], e["start"], e["end"], float(e["score"])) for e in pipeline(text)]
            if [e[:3] for e in expected] == [(s.label, s.start, s.end) for s in spans]:
                pairs = zip(spans, expected, strict=True)
                scores += [(span.score, score) for span, (*_, score) in pairs]
            elif other_words(tokenizer, text):
                explained += 1
                print(f"{aggregation}: {text!r}: {spans} but {expected}", file=sys.stderr)
            else:
                different += 1
                print(f"{aggregation}: {text!r}: {spans} but {expected}", file=sys.stderr)
        row = close(
            f"wnut17: spans, {aggregation}",
            [one for one, _ in scores],
            [other for _, other in scores],
            different,
        )
        said = f"{row.found} of {len(texts)} texts, {explained} by where words begin"
        yield Row(row.what, row.count, said, row.kept)


def other_words(tokenizer: Any, text: str) -> bool:
    """Tell whether the pipeline takes other tokens for the first of a word than the tokenizer.

    It takes a token that isn't as long as its text for a word's later one, unless it is unknown.
    """
    encoded = tokenizer(text, truncation=True, return_offsets_mapping=True)
    words = encoded.word_ids()
    for i, (id, (start, end)) in enumerate(
        zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
    ):
        token = tokenizer.convert_ids_to_tokens(id)
        later = len(token) != end - start and id != tokenizer.unk_token_id
        if words[i] is not None and i > 1 and later is not (words[i] == words[i - 1]):
            return True
    return False


def compare_answer(given: Given) -> Iterator[Row]:
    """Compare the best answers with transformers' logits decoded by the rule, over whole files."""
    ours = given.load("xquad", "answer")
    tokenizer, model = theirs(given.models["xquad"], "QuestionAnswering")
    for file in sorted((given.data / "xquad").glob("*.json")):
        questions = read_questions(file)
        found = ours.answer([q.question for q in questions], [q.context for q in questions])
        expected = [
            best_span(question, tokenizer, model, ours.max_length, ours.stride)
            for question in questions
        ]
        pairs = zip(found, expected, strict=True)
        different = sum((answer.start, answer.end) != span for answer, span in pairs)
        said = f"{different} best spans differ"
        yield Row(f"xquad: {file.name}", len(questions), said, different == 0)


def best_span(
    question: Question, tokenizer: Any, model: Any, size: int, stride: int, longest: int = 15
) -> tuple[int, int]:
    """Decode a context's best answer token by token, as Reader.answer says."""
    windows = tokenizer(
        question.question,
        question.context,
        truncation="only_second",
        max_length=size,
        stride=stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        padding=True,
        return_tensors="pt",
    )
    offsets = windows.pop("offset_mapping").tolist()
    windows.pop("overflow_to_sample_mapping")
    with torch.no_grad():
        logits = model(**windows)
    starts, ends = logits.start_logits.double().numpy(), logits.end_logits.double().numpy()
    count = len(offsets)
    rows = [[i for i, s in enumerate(windows.sequence_ids(w)) if s == 1] for w in range(count)]
    # Where a start stands farthest from a seam, the first such window: (distance, window).
    owner: dict[tuple[int, int], tuple[int, int]] = {}
    for w, tokens in enumerate(rows):
        for place, i in enumerate(tokens):
            before = math.inf if w == 0 else place
            behind = math.inf if w == count - 1 else len(tokens) - 1 - place
            here = (min(before, behind, len(tokens)), -w)
            key = tuple(offsets[w][i])
            owner[key] = max(owner.get(key, here), here)
    best = (-math.inf, 0, 0)
    for w, tokens in enumerate(rows):
        words = windows.word_ids(w)
        for place, i in enumerate(tokens):
            if -owner[tuple(offsets[w][i])][1] != w:
                continue
            for j in tokens[place : place + longest]:
                logit = starts[w, i] + ends[w, j]
                if logit > best[0]:
                    first = next(k for k in tokens if words[k] == words[i])
                    last = next(k for k in reversed(tokens) if words[k] == words[j])
                    best = (logit, offsets[w][first][0], offsets[w][last][1])
    return best[1], best[2]


def compare_zero_shot(given: Given) -> Iterator[Row]:
    """Compare the labels of the first sentences of SST-2 with transformers' logits."""
    texts = [example.text for example in read_labelled(given.data / "sst2/dev.tsv")][:100]
    labels = ["a good film", "a bad film", "music", "sports"]
    sentences = [f"This example is {label}." for label in labels]
    ours = given.load("sick", "zero_shot")
    tokenizer, model = theirs(given.models["sick"], "SequenceClassification")
    logits = their_logits(
        model, tokenizer, [t for t in texts for _ in labels], [s for _ in texts for s in sentences]
    ).reshape(len(texts), len(labels), -1)
    ids = {name.lower(): i for i, name in model.config.id2label.items()}
    follows, against = ids["entailment"], ids["contradiction"]
    for multi_label in (False, True):
        if multi_label:
            wide = torch.tensor(logits[:, :, [against, follows]]).double().softmax(2)[:, :, 1]
        else:
            wide = torch.tensor(logits[:, :, follows]).double().softmax(1)
        ranked = ours.zero_shot(texts, labels, multi_label=multi_label)
        found = [[{x.label: x.score for x in r}[name] for name in labels] for r in ranked]
        best = [labels[int(i)] for i in wide.argmax(dim=1)]
        different = sum(r[0].label != label for r, label in zip(ranked, best, strict=True))
        what = "each alone" if multi_label else "one of all"
        yield close(f"sick: zero-shot, {what}", found, wide.numpy(), different)


def compare_pretraining(given: Given) -> Iterator[Row]:
    """Compare masked words, likelihoods and next sentences on a tiny random checkpoint."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(given.models["sick"])
    torch.manual_seed(3)
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=96,
        initializer_range=0.3,
    )
    pairs = [(e.text, e.pair or "") for e in read_labelled(given.data / "sick/SICK_trial.txt")]
    with tempfile.TemporaryDirectory() as made:
        for kind in ("PreTraining", "MaskedLM"):
            path = Path(made) / kind
            model = getattr(transformers, f"BertFor{kind}")(config).eval()
            model.save_pretrained(path)
            tokenizer.save_pretrained(path)
            yield from compare_fill(given, path, model, tokenizer, [a for a, _ in pairs[:100]])
            if kind == "PreTraining":
                ours = given.load(path, "next_sentence")
                found = ours.next_sentence([a for a, _ in pairs], [b for _, b in pairs])
                expected = []
                for pair in pairs:
                    with torch.no_grad():
                        logits = model(**tokenizer(*pair, return_tensors="pt"))
                    expected.append(float(logits.seq_relationship_logits[0].softmax(0)[0]))
                yield close("random: next sentence", found, expected)


def compare_fill(
    given: Given, path: Path, model: Any, tokenizer: Any, sentences: Sequence[str]
) -> Iterator[Row]:
    """Compare the best five tokens for a word, and the likelihood of whole sentences."""
    ours = given.load(path, "fill")

    def logs(ids: list[int], place: int) -> Any:
        masked = torch.tensor([[*ids[:place], tokenizer.mask_token_id, *ids[place + 1 :]]])
        with torch.no_grad():
            output = model(masked)
        logits = output.prediction_logits if "prediction_logits" in output else output.logits
        return logits[0, place].double().log_softmax(0)

    masked = [" ".join(["[MASK]", *s.split()[1:]]) for s in sentences]
    found, expected, different = [], [], 0
    for text, (fillings,) in zip(masked, ours.fill(masked), strict=True):
        best = logs(tokenizer(text)["input_ids"], 1).exp().topk(5)
        different += [f.id for f in fillings] != best.indices.tolist()
        found += [f.score for f in fillings]
        expected += best.values.tolist()
    yield close(f"random {path.name}: fill", found, expected, different)
    some = list(sentences[:20])
    likelihoods = [likelihood.log_likelihood for likelihood in ours.score(some)]
    ids = [tokenizer(sentence)["input_ids"] for sentence in some]
    sums = [sum(float(logs(i, k)[i[k]]) for k in range(1, len(i) - 1)) for i in ids]
    counts = [len(i) - 2 for i in ids]
    per_token = [np.divide(one, counts) for one in (likelihoods, sums)]
    yield close(f"random {path.name}: score, of a token", *per_token)


def compare_precisions(given: Given, name: str, task: str, file: str, metric: str) -> Iterator[Row]:
    """Compare a task's metric in bfloat16 and int8 with float32's."""
    count = 0

    def progress(done: int, of: int) -> None:
        nonlocal count
        count = of

    exact = 0.0
    for precision in ("float32", "bfloat16", "int8"):
        model = given.load(name, task, precision)
        scores = evaluate(model, given.data / file, progress=progress)
        points = 100 * float(getattr(scores, metric))
        if precision == "float32":
            exact = points
        allowed = max(POINTS, 100 * EXAMPLES / max(count, 1))
        kept = abs(points - exact) <= allowed + 1e-9
        said = f"{metric} {points:.2f} ({points - exact:+.2f}, bar {allowed:.2f})"
        yield Row(f"{name}: {precision}", count, said, kept)


# What is compared, by name: the models that it takes, and how.
COMPARISONS: dict[str, tuple[tuple[str, ...], Callable[[Given], Iterator[Row]]]] = {
    "classify": (("sst2",), lambda g: compare_classify(g, "sst2", "sst2/dev.tsv")),
    "pairs": (("sick",), lambda g: compare_classify(g, "sick", "sick/SICK_trial.txt")),
    "tag": (("wnut17",), compare_tag),
    "answer": (("xquad",), compare_answer),
    "zero-shot": (("sick",), compare_zero_shot),
    "pretraining": (("sick",), compare_pretraining),
    "sst2-precisions": (
        ("sst2",),
        lambda g: compare_precisions(g, "sst2", "classify", "sst2/dev.tsv", "accuracy"),
    ),
    "sick-precisions": (
        ("sick",),
        lambda g: compare_precisions(g, "sick", "classify", "sick/SICK_trial.txt", "accuracy"),
    ),
    "wnut17-precisions": (
        ("wnut17",),
        lambda g: compare_precisions(g, "wnut17", "tag", "wnut17/emerging.dev.conll", "f1"),
    ),
    "xquad-precisions": (
        ("xquad",),
        lambda g: compare_precisions(g, "xquad", "answer", "xquad/xquad.es.json", "f1"),
    ),
}
MODELS = ("sst2", "sick", "wnut17", "xquad")


def main() -> int:
    """Compare, print a table, and tell whether every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    for name in MODELS:
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--only", nargs="+", choices=COMPARISONS, default=list(COMPARISONS))
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    models = {name: path for name in MODELS if (path := getattr(arguments, name)) is not None}
    given = Given(arguments.data, models, arguments.threads)
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)

    print("| compared | of | found | |")
    print("| --- | --- | --- | --- |")
    kept = True
    for name in arguments.only:
        needed, compare = COMPARISONS[name]
        if missing := [model for model in needed if model not in models]:
            print(f"| {name} | 0 | left out: no --{missing[0]} | |")
            continue
        for row in compare(given):
            kept &= row.kept
            verdict = "ok" if row.kept else "BEYOND"
            print(f"| {row.what} | {row.count} | {row.found} | {verdict} |", flush=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
