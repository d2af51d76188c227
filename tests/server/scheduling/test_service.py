"""The service answers what the library answers."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bertie.errors import EngineFailed, InputError, Overloaded, TaskError, UnknownModel
from bertie.server.scheduling.events import Event, RequestFinished
from bertie.server.scheduling.inference import InferenceRequest
from bertie.server.scheduling.service import Service
from bertie.server.settings import ModelSettings, SchedulingSettings, Settings
from tests.server.scheduling.conftest import embed, paused_worker, run, serving, until

TEXTS = ("hello world", "a longer text about nothing much", "", "hello world again")


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_answers_are_the_librarys_to_the_last_bit(
    tiny_sentence: Path, library: Any, workers: int
) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, workers=workers) as service:
            several = await asyncio.gather(*(embed(service, *TEXTS[i:]) for i in range(4)))
            for i, response in enumerate(several):
                np.testing.assert_array_equal(np.stack(response.answers), library.embed(TEXTS[i:]))
                assert response.fingerprint == library.fingerprint
                assert response.characters == sum(map(len, TEXTS[i:]))

    run(work())


def test_a_model_that_is_not_there_or_of_another_task_is_refused(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"a": tiny_sentence, "b": tiny_sentence}, workers=0) as service:
            assert service.find(None, "embed").name == "a"
            assert service.find("b", "embed").name == "b"
            with pytest.raises(UnknownModel, match="model 'c' isn't known here"):
                service.find("c", "embed")
            with pytest.raises(TaskError, match="no model here is for 'tag'"):
                service.find(None, "tag")
            with pytest.raises(TaskError, match="classify is of task 'classify', but model 'a'"):
                await service.infer(InferenceRequest("a", "classify", ("x",)))

    run(work())


def test_a_default_that_is_no_model_is_refused(tiny_sentence: Path) -> None:
    models = {"a": ModelSettings(str(tiny_sentence))}
    settings = Settings(engine=SchedulingSettings(default="b"), models=models)
    with pytest.raises(InputError, match="default is 'b', but the models are: a"):
        Service(settings)


def test_the_default_is_asked_where_it_can_do_the_task(tiny_sentence: Path) -> None:
    async def work() -> None:
        models = {"a": tiny_sentence, "b": tiny_sentence}
        async with serving(models=models, workers=0, default="b") as service:
            assert service.find(None, "embed").name == "b"
            assert service.any(None).name == "b"
            assert service.any("a").name == "a"
            with pytest.raises(UnknownModel):
                service.any("c")

    run(work())


def test_an_input_that_is_no_text_is_refused_by_its_position(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, workers=0) as service:
            with pytest.raises(InputError, match="text 1 is int 7"):
                await service.infer(InferenceRequest("tiny", "embed", ("x", 7)))
            assert service.state().requests == 0

    run(work())


def test_what_is_cut_is_counted_as_the_library_cuts_it(tiny_sentence: Path, library: Any) -> None:
    long = "the river and the bridge " * 20

    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, workers=0) as service:
            response = await embed(service, "a", long)
            encoded = library.tokenizer.encode_batch(["a", long], max_length=library.max_length)
            assert response.tokens == tuple(encoded.lengths.tolist())
            assert response.truncated == tuple(encoded.truncated.tolist())
            with pytest.raises(InputError, match=r"text 1 is .* tokens long"):
                await service.infer(
                    InferenceRequest("tiny", "embed", ("a", long), (("truncate", "error"),))
                )

    run(work())


def test_stopping_answers_what_was_admitted_and_admits_nothing_more(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, batch_tokens=20) as service:
            with paused_worker(service):
                tasks = [asyncio.create_task(embed(service, f"{n} a b")) for n in range(30)]
                await until(lambda: service.state().requests == 30)
                stopping = asyncio.create_task(service.stop(60))
                await until(lambda: service.state().stopping)
                with pytest.raises(Overloaded, match="the server is stopping"):
                    await embed(service, "late")
                assert not (await service.ready()).ready
            assert all(len(one.answers) == 1 for one in await asyncio.gather(*tasks))
            await stopping

    run(work())


def test_what_is_not_finished_in_time_fails(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}) as service:
            with paused_worker(service):
                task = asyncio.create_task(embed(service, "a"))
                await until(lambda: service.state().running_inputs == 1)
                await service.stop(0.1)
                with pytest.raises(EngineFailed, match="the server stopped before"):
                    await task

    run(work())


def test_every_request_is_told_to_the_observers(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, workers=0) as service:
            events: list[Event] = []
            service.observers.append(events.append)
            await embed(service, "a", "b c")
            with pytest.raises(InputError):
                await service.infer(InferenceRequest("tiny", "embed", (1,)))
            finished = [event for event in events if isinstance(event, RequestFinished)]
            assert [(one.inputs, one.characters) for one in finished] == [(2, 4), (1, 0)]
            assert finished[0].tokens > 4
            assert finished[0].error is None
            assert isinstance(finished[1].error, InputError)

    run(work())
