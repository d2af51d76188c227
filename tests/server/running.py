"""Servers on real sockets, each on an event loop in a thread of its own, with real models."""

import asyncio
import json
import shutil
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bertie.server.http.app import Application
from bertie.server.http.serving import server
from bertie.server.scheduling.service import Service
from bertie.server.settings import HttpSettings, ModelSettings, SchedulingSettings, Settings
from bertie.tasks.multivector import METADATA
from tests.editing import edit_json, edit_tensors
from tests.tasks.heads import HIDDEN, add_head
from tests.timeouts import TIMEOUT

LABELS = ["bad", "good", "so so"]
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


@dataclass(frozen=True)
class Running:
    """A server that runs.

    Attributes:
        url: its root.
        port: of HTTP.
        application, service: what it is made of; for use on the loop.
        loop: the thread's.
        sources: of the models, by name; with options of bertie.load.
    """

    url: str
    port: int
    application: Application
    service: Service
    loop: asyncio.AbstractEventLoop
    sources: Mapping[str, tuple[Path, Mapping[str, Any]]]

    def on_loop(self, work: Any) -> Any:
        """Run a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(TIMEOUT)


def make_models(
    directory: Path, tiny_bert: Path, tiny_sentence: Path
) -> dict[str, tuple[Path, Mapping[str, Any]]]:
    """Write a tiny model for each task. Returns: sources with load's options, by name."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(tiny_bert, directory / name))

    def headed(name: str, kind: str, outputs: int, labels: list[str] | None = None) -> Path:
        path = copy(name)
        add_head(path, kind, outputs, labels)
        return path

    inference = ["contradiction", "neutral", "entailment"]
    return {
        "embed": (tiny_sentence, {}),
        "classify": (headed("classify", "sequence_classification", 3, LABELS), {}),
        "rank": (headed("rank", "sequence_classification", 1), {"task": "rank"}),
        "tag": (headed("tag", "token_classification", 5, TAGS), {}),
        "answer": (headed("answer", "question_answering", 2), {}),
        "next": (headed("next", "next_sentence", 2), {}),
        "nli": (headed("nli", "sequence_classification", 3, inference), {"task": "zero_shot"}),
        "fill": (_filler(copy("fill")), {"task": "fill"}),
        "sparse": (directory / "fill", {"task": "sparse"}),
        "colbert": (_colbert(copy("colbert")), {}),
    }


def _filler(path: Path) -> Path:
    """Give a copy a head for masked words."""
    random = np.random.default_rng(9)
    head = {
        "transform.dense.weight": random.normal(0, 0.5, (HIDDEN, HIDDEN)),
        "transform.dense.bias": random.normal(0, 0.5, HIDDEN),
        "transform.LayerNorm.weight": random.normal(1, 0.2, HIDDEN),
        "transform.LayerNorm.bias": random.normal(0, 0.2, HIDDEN),
    }
    named = {f"cls.predictions.{name}": value.astype("f4") for name, value in head.items()}

    def with_head(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        words = tensors["embeddings.word_embeddings.weight"]
        bias = random.normal(0, 0.3, len(words)).astype("f4")
        return {**tensors, **named, "cls.predictions.bias": bias}

    edit_tensors(path, with_head)
    edit_json(path / "config.json", architectures=["BertForMaskedLM"])
    return path


def _colbert(path: Path) -> Path:
    """Give a copy a projection of every token."""
    weight = np.random.default_rng(4).normal(0, 0.5, (6, HIDDEN)).astype("f4")
    edit_tensors(path, lambda tensors: {**tensors, "linear.weight": weight})
    edit_json(path / "config.json", architectures=["HF_ColBERT"])
    (path / METADATA).write_text(
        json.dumps({"query_maxlen": 12, "doc_maxlen": 30, "doc_token_id": "song"})
    )
    return path


@contextmanager
def running(
    sources: Mapping[str, tuple[Path, Mapping[str, Any]]],
    engine: Mapping[str, Any] | None = None,
    **http: Any,
) -> Iterator[Running]:
    """Run a server while the block lasts.

    Args:
        sources: its models.
        engine: fields of SchedulingSettings; one worker unless said otherwise.
        http: fields of HttpSettings.
    """
    models = {
        name: ModelSettings(str(path), {"precision": "float32", "threads": 1, **options})
        for name, (path, options) in sources.items()
    }
    settings = Settings(
        SchedulingSettings(**{"workers": 1, "threads": 1, **(engine or {})}),
        HttpSettings(**{"log_format": "none", "grpc_port": 0, **http}),
        models,
    )
    up: list[Running | BaseException] = []
    ready, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        service = Service(settings)
        application = Application(service, settings)
        serving = server(application)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            await service.start()
            task = asyncio.create_task(serving.serve([listener]))
            scheme = "https" if application.state.settings.tls_certificate else "http"
            loop = asyncio.get_running_loop()
            url = f"{scheme}://127.0.0.1:{port}"
            up.append(Running(url, port, application, service, loop, sources))
            ready.set()
            await loop.run_in_executor(None, stop.wait)
            serving.should_exit = True
            await task
            await service.stop(5)

    def work() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            up.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=work, name="test-server")
    thread.start()
    try:
        assert ready.wait(TIMEOUT)
        if isinstance(up[-1], BaseException):
            raise up[-1]
        yield up[0]  # type: ignore[misc]
    finally:
        stop.set()
        thread.join(TIMEOUT)
        assert not thread.is_alive()
