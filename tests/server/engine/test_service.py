"""The service answers what the library answers."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bertie.errors import InputError, TaskError, UnknownModel
from bertie.server.engine.ask import Ask
from tests.server.engine.conftest import embed, run, serving

TEXTS = ("hello world", "a longer text about nothing much", "", "hello world again")


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_answers_are_the_librarys_to_the_last_bit(
    tiny_sentence: Path, library: Any, workers: int
) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, workers=workers) as service:
            several = await asyncio.gather(*(embed(service, *TEXTS[i:]) for i in range(4)))
            for i, answered in enumerate(several):
                np.testing.assert_array_equal(np.stack(answered.answers), library.embed(TEXTS[i:]))
                assert answered.fingerprint == library.fingerprint
                assert answered.characters == sum(map(len, TEXTS[i:]))

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
                await service.ask(Ask("a", "classify", ("x",)))

    run(work())


def test_an_input_that_is_no_text_is_refused_by_its_position(tiny_sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, workers=0) as service:
            with pytest.raises(InputError, match="text 1 is int 7"):
                await service.ask(Ask("tiny", "embed", ("x", 7)))
            assert service.state().requests == 0

    run(work())
