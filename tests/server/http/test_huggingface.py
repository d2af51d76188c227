"""Hugging Face's own client, with the server's address as its model, is answered as it expects."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

from bertie.calls.probabilities import ACTIVATIONS
from bertie.errors import TruncationWarning
from bertie.loading.load import load
from tests.editing import edit_json
from tests.server.running import Running, running
from tests.timeouts import TIMEOUT

Local = Callable[[str], Any]
Post = Callable[..., Any]

TEXTS = ["the old bridge", "who reads"]
MASKED = "the old [MASK] reads"
LABELS = ["bridge", "dog", "song"]
QUESTION, CONTEXT = "who reads", "the old dog reads the song of the bridge"


@pytest.fixture(scope="module")
def client(everything: Running) -> Callable[..., InferenceClient]:
    """A client of one of the models, or of the server itself."""

    def made(name: str = "", path: str = "") -> InferenceClient:
        place = f"/models/{name}{path}" if name else path
        return InferenceClient(model=everything.url + place, token="any", timeout=TIMEOUT)

    return made


@pytest.fixture(scope="module")
def post(everything: Running) -> Iterator[Post]:
    """Sends a body, and gives the response."""
    with httpx.Client(base_url=everything.url, timeout=TIMEOUT) as http:
        yield lambda path, **body: http.post(path, json=body)


def labels(given: Any) -> list[tuple[str, float]]:
    """Take labels and scores of records or of JSON."""
    found = [one if isinstance(one, dict) else vars(one) for one in given]
    return [(one["label"], one["score"]) for one in found]


@pytest.mark.parametrize("given", [TEXTS, TEXTS[0]])
def test_features_are_those_of_the_model(client: Any, local: Local, given: Any) -> None:
    several = [given] if isinstance(given, str) else given
    model = local("embed")
    for place in (client(), client("embed"), client("embed", "/pipeline/feature-extraction")):
        assert np.array_equal(place.feature_extraction(given), model.embed(several, normalize=True))
        raw = place.feature_extraction(given, normalize=False, encoding_format="float")
        assert np.array_equal(raw, model.embed(several, normalize=False))
        few = place.feature_extraction(given, dimensions=4, normalize=False)
        assert np.array_equal(few, model.embed(several, normalize=False)[:, :4])
    long = "old bridge dog " * 100
    cut = client().feature_extraction(long, truncate=True, truncation_direction="left")
    with pytest.warns(TruncationWarning):
        assert np.array_equal(cut, model.embed([long], normalize=True, truncate="left"))
    with pytest.raises(HfHubHTTPError, match="nobody"):
        client().feature_extraction(given, prompt_name="nobody")


def test_sentences_are_compared_by_the_model(client: Any, local: Local) -> None:
    model = local("embed")
    expected = model.similarity(model.embed(["a song"]), model.embed(TEXTS))[0]
    for place in (client(), client("embed"), client("embed", "/pipeline/sentence-similarity")):
        found = place.sentence_similarity("a song", TEXTS)
        assert np.array_equal(np.array(found, np.float32), expected)


def test_labels_and_scores_are_the_models(client: Any, local: Local) -> None:
    model = local("classify")
    for place in (client("classify"), client("classify", "/")):
        assert labels(place.text_classification(TEXTS[0])) == labels(model.classify(TEXTS[0]))
        two = place.text_classification(TEXTS[0], top_k=2)
        assert labels(two) == labels(model.classify(TEXTS[0], top_k=2))
        raw = model.classify(TEXTS[0], raw=True)
        scores = np.array([[one.score for one in raw]])
        for function in ("sigmoid", "softmax", "none"):
            found = place.text_classification(TEXTS[0], function_to_apply=function)
            expected = scores if function == "none" else ACTIVATIONS[function](scores)
            assert labels(found) == list(
                zip((one.label for one in raw), expected[0].tolist(), strict=True)
            )


def test_labels_of_the_callers_are_judged_not_the_models_own(client: Any, local: Local) -> None:
    model = local("nli")
    for place in (client("nli"), client("nli", "/"), client()):
        found = place.zero_shot_classification(TEXTS[0], LABELS)
        assert labels(found) == labels(model.zero_shot(TEXTS[0], LABELS))
        found = place.zero_shot_classification(
            TEXTS[0], LABELS, multi_label=True, hypothesis_template="it is {} here"
        )
        assert labels(found) == labels(
            model.zero_shot(TEXTS[0], LABELS, multi_label=True, hypothesis="it is {} here")
        )


def test_entities_are_the_models(client: Any, local: Local) -> None:
    model, text = local("tag"), "the old bridge who reads a song"
    for place in (client("tag"), client("tag", "/")):
        for given, options in (
            ({}, {}),
            ({"aggregation_strategy": "simple"}, {"aggregation": "simple"}),
            ({"aggregation_strategy": "max", "stride": 2}, {"aggregation": "max"}),
            ({"ignore_labels": []}, {"ignore": []}),
            ({"ignore_labels": ["PER"]}, {"ignore": ["PER"]}),
            ({"aggregation_strategy": "none"}, {"aggregation": "none"}),
        ):
            alone = given.get("aggregation_strategy") == "none"
            found = place.token_classification(text, **given)
            assert [
                (one.entity if alone else one.entity_group, one.score, one.word, one.start, one.end)
                for one in found
            ] == [
                (one.label, one.score, one.text, one.start, one.end)
                for one in model.tag(text, **options)
            ]
            assert all(text[one.start : one.end] == one.word for one in found)
    assert found  # so that the comparison says something


def test_questions_are_answered_by_the_model(client: Any, local: Local) -> None:
    model = local("answer")
    for place in (client("answer"), client("answer", "/"), client()):
        found = place.question_answering(QUESTION, CONTEXT)
        best = model.answer(QUESTION, CONTEXT)
        assert (found.answer, found.score, found.start, found.end) == (
            best.text,
            best.score,
            best.start,
            best.end,
        )
        several = place.question_answering(
            QUESTION,
            CONTEXT,
            top_k=3,
            max_answer_len=2,
            handle_impossible_answer=True,
            align_to_words=False,
            max_seq_len=384,
            doc_stride=128,
            max_question_len=64,
        )
        expected = model.answer(
            QUESTION, CONTEXT, top_k=3, max_answer_length=2, no_answer=True, whole_words=False
        )
        assert [one.answer for one in several] == [one.text for one in expected]
        assert [one.score for one in several] == [one.score for one in expected]
        short = place.question_answering(QUESTION, CONTEXT, max_question_len=1)
        assert short.answer == model.answer("who", CONTEXT).text
        assert short.score == model.answer("who", CONTEXT).score


def test_masks_are_filled_by_the_model(client: Any, local: Local) -> None:
    model = local("fill")
    for place in (client("fill"), client("fill", "/")):
        for given in ({}, {"top_k": 2}, {"targets": ["dog", "song"]}):
            found = place.fill_mask(MASKED, **given)
            (expected,) = model.fill(MASKED, **given)
            assert [(one.token, one.score) for one in found] == [
                (one.id, one.score) for one in expected
            ]
        assert [one.token_str for one in found] == [one.token for one in expected]
        assert [one.sequence for one in found] == [f"the old {one.token} reads" for one in expected]


def test_a_mask_is_found_in_a_text_that_is_lower_cased_before_the_tokenizer(filler: Path) -> None:
    edit_json(filler / "sentence_bert_config.json", do_lower_case=True)
    edit_json(filler / "tokenizer_config.json", do_lower_case=False)
    model = load(filler, task="fill", precision="float32", threads=1)
    assert model.info().settings["lower_first"].value is True
    with running({"fill": (filler, {"task": "fill"})}) as server:
        found = InferenceClient(model=server.url, timeout=TIMEOUT).fill_mask("The Old [MASK] reads")
    assert [one.token for one in found] == [one.id for one in model.fill("The Old [MASK] reads")[0]]
    read = model.tokenizer.encode("the old [MASK] reads").ids
    filled = [found[0].token if id == model.tokenizer.id_of("[MASK]") else id for id in read]
    assert found[0].sequence == model.tokenizer.decode(filled)


def test_several_inputs_are_answered_by_as_many(post: Post, local: Local) -> None:
    def said(task: str, inputs: Any, **parameters: Any) -> Any:
        response = post(f"/pipeline/{task}", inputs=inputs, parameters=parameters)
        assert response.status_code == 200, response.text
        return response.json()

    found = said("text-classification", [*TEXTS, ["who", "reads"], {"text": "a", "text_pair": "b"}])
    expected = local("classify").classify([*TEXTS, ("who", "reads"), ("a", "b")])
    assert [labels(one) for one in found] == [labels(one) for one in expected]
    assert said("text-classification", TEXTS[0]) == found[:1]
    assert said("text-classification", {"text": TEXTS[0]}) == found[:1]
    found = said("zero-shot-classification", TEXTS, candidate_labels="bridge, dog,song")
    expected = local("nli").zero_shot(TEXTS, LABELS)
    assert [labels(one) for one in found] == [labels(one) for one in expected]
    found = said("token-classification", TEXTS, ignore_labels=[])
    assert [len(one) for one in found] == [len(one) for one in local("tag").tag(TEXTS, ignore=[])]
    asked = {"question": QUESTION, "context": CONTEXT}
    one = said("question-answering", asked)
    assert said("question-answering", [asked, asked]) == [one, one]
    assert said("question-answering", [asked], top_k=2)[0][0]["answer"] == one["answer"]
    alone = said("fill-mask", MASKED)
    assert said("fill-mask", [MASKED, MASKED]) == [alone, alone]
    two = said("fill-mask", "the [MASK] [MASK]", top_k=1)
    assert len(two) == 2
    assert "[CLS]" in two[0][0]["sequence"]  # as transformers has it where a mask is left
    assert "[MASK]" in two[0][0]["sequence"]
    assert len(said("feature-extraction", TEXTS * 40)) == 80  # beyond TEI's most


def test_parameters_of_features_are_taken_from_either_place(post: Post, local: Local) -> None:
    expected = local("embed").embed(TEXTS, normalize=False)
    apart = {"inputs": TEXTS, "parameters": {"normalize": False}, "options": {"use_cache": False}}
    for path in ("/", "/models/embed", "/pipeline/feature-extraction"):
        for body in (apart, {"inputs": TEXTS, "normalize": False, "parameters": None}):
            found = np.array(post(path, **body).json(), np.float32)
            assert np.array_equal(found, expected)


def test_a_bare_text_is_answered_by_what_the_path_speaks(post: Post) -> None:
    flat = post("/predict", inputs="who reads").json()
    for body in ({}, {"parameters": None}, {"options": {"wait_for_model": True}}):
        assert post("/models/classify/", inputs="who reads", **body).json() == flat
        assert post("/models/classify", inputs="who reads", **body).json() == [flat]
    assert post("/models/classify/", inputs="who reads", parameters={}).json() == [flat]
    pair = post("/predict", inputs=["who", "reads"]).json()
    assert post("/models/classify/", inputs=["who", "reads"]).json() == pair
    batch = post("/models/classify", inputs=["who", "reads"]).json()
    assert batch == [post("/predict", inputs=one).json() for one in ("who", "reads")]


def test_another_models_task_is_refused_by_name(client: Any, post: Post) -> None:
    for name, ask in (
        ("embed", lambda one: one.zero_shot_classification("a", LABELS)),
        ("classify", lambda one: one.zero_shot_classification("a", LABELS)),
        ("tag", lambda one: one.sentence_similarity("a", TEXTS)),
        ("embed", lambda one: one.question_answering(QUESTION, CONTEXT)),
        ("embed", lambda one: one.token_classification("a", aggregation_strategy="max")),
        ("fill", lambda one: one.text_classification("a", function_to_apply="none")),
    ):
        for path in ("", "/"):
            with pytest.raises(HfHubHTTPError) as refused:
                ask(client(name, path))
            assert refused.value.response.status_code == 400
            said = refused.value.response.json()
            assert f"model {name!r} is for {name!r}" in said["error"]
            assert set(said) == {"error", "error_type"}
    for name, path in (("next", "/models/next"), ("colbert", "/models/colbert")):
        refused = post(path, inputs="a", parameters={})
        assert refused.status_code == 400
        assert name in refused.json()["error"]
    assert post("/models/tag/pipeline/fill-mask", inputs=MASKED).status_code == 400
    assert post("/pipeline/translation", inputs="a").status_code == 404


def test_a_model_of_any_name_is_the_only_one(tiny_sentence: Any) -> None:
    with running({"m": (tiny_sentence, {})}) as up:
        for place in (
            "",
            "/models/sentence-transformers/all-MiniLM-L6-v2",
            "/models/sentence-transformers/all-MiniLM-L6-v2/pipeline/feature-extraction",
            "/models/x/",
        ):
            client = InferenceClient(
                model=up.url + place, provider="hf-inference", token="any", timeout=TIMEOUT
            )
            assert client.feature_extraction("a").shape == (1, 10)
            if "pipeline" not in place:
                assert client.health_check()
                assert client.get_endpoint_info()["model_type"]
        with pytest.raises(HfHubHTTPError, match="'embed'"):
            client.zero_shot_classification("a", LABELS)


@pytest.mark.parametrize(
    ("task", "body", "status", "says"),
    [
        ("text-classification", {"inputs": []}, 400, "empty"),
        ("text-classification", {"inputs": [[]]}, 422, "inputs"),
        ("text-classification", {"inputs": [["a", "b", "c"]]}, 422, "inputs"),
        ("text-classification", {"inputs": "a", "parameters": {"top_k": -1}}, 422, "top_k"),
        ("zero-shot-classification", {"inputs": "a"}, 422, "parameters"),
        ("zero-shot-classification", {"inputs": "a", "parameters": {}}, 422, "candidate_labels"),
        (
            "zero-shot-classification",
            {"inputs": "a", "parameters": {"candidate_labels": " , "}},
            400,
            "candidate_labels",
        ),
        (
            "zero-shot-classification",
            {"inputs": "a", "parameters": {"candidate_labels": ["a"], "hypothesis_template": "x"}},
            422,
            "hypothesis",
        ),
        (
            "zero-shot-classification",
            {"inputs": ["a"] * 1000, "parameters": {"candidate_labels": ["b"] * 1000}},
            422,
            "1000000 pairs",
        ),
        ("token-classification", {"inputs": "a", "parameters": {"stride": -1}}, 422, "stride"),
        ("question-answering", {"inputs": "a"}, 422, "inputs"),
        ("question-answering", {"inputs": {"question": "a"}}, 422, "context"),
        ("question-answering", {"inputs": []}, 400, "empty"),
        ("fill-mask", {"inputs": "a"}, 422, "MASK"),
        ("fill-mask", {"inputs": "[MASK] " * 40, "parameters": {"top_k": 9999}}, 422, "top_k"),
        ("feature-extraction", {"inputs": "a", "parameters": {"dimensions": 0}}, 422, "dimensions"),
        ("sentence-similarity", {"inputs": {"source_sentence": "a"}}, 422, "sentences"),
    ],
)
def test_a_body_that_cannot_be_is_refused(
    post: Post, task: str, body: Any, status: int, says: str
) -> None:
    response = post(f"/pipeline/{task}", **body)
    assert response.status_code == status, response.text
    assert says in response.json()["error"]


def test_an_answer_is_no_longer_than_the_model_reads(post: Post, local: Local) -> None:
    asked = {"question": QUESTION, "context": CONTEXT}
    expected = local("answer").answer(QUESTION, CONTEXT, max_answer_length=60)
    found = post(
        "/pipeline/question-answering", inputs=asked, parameters={"max_answer_len": 2**62}
    ).json()
    assert (found["answer"], found["score"]) == (expected.text, expected.score)
    own = post("/v1/answer", inputs=[[QUESTION, CONTEXT]], max_answer_length=2**62).json()
    assert own["answers"][0][0]["score"] == expected.score


def test_what_multiplies_is_refused_in_our_own_api_as_well(post: Post) -> None:
    crossed = post("/v1/zero_shot", inputs=["a"] * 2000, labels=["b"] * 2000)
    assert (crossed.status_code, "4000000 pairs" in crossed.text) == (422, True)
    masks = post("/v1/fill", inputs=["[MASK] " * 50] * 2000, top_k=100_000)
    assert (masks.status_code, "queue_tokens" in masks.text) == (422, True)
