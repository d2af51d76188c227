"""Models come and go while requests are answered."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bertie
from bertie.errors import BertieError, InputError, SourceError, TaskError, UnknownModel
from bertie.server.scheduling.registry import FAILED, READY, UNLOADED
from tests.editing import edit_json
from tests.server.scheduling.conftest import batch_sizes, embed, run, serving, until


def test_a_reload_under_load_loses_nothing_and_takes_what_is_new(
    sentence: Path, library: Any
) -> None:
    async def work() -> None:
        async with serving(models={"tiny": sentence}) as service:
            ends = False
            fingerprints: set[str] = set()
            known = {library.fingerprint: library.embed(["a", "b"])}

            async def client() -> None:
                while not ends:
                    response = await embed(service, "a", "b")
                    fingerprints.add(response.fingerprint)
                    if response.fingerprint in known:
                        expected = known[response.fingerprint]
                        np.testing.assert_array_equal(np.stack(response.answers), expected)

            clients = [asyncio.create_task(client()) for _ in range(8)]
            await until(lambda: fingerprints)
            edit_json(sentence / "config.json", hidden_act="gelu_new")
            entry = await service.reload("tiny")
            changed = bertie.load(sentence, threads=1)
            known[changed.fingerprint] = changed.embed(["a", "b"])
            await until(lambda: changed.fingerprint in fingerprints)
            ends = True
            await asyncio.gather(*clients)
            assert fingerprints == {library.fingerprint, changed.fingerprint}
            assert entry.fingerprint == changed.fingerprint
            await until(lambda: service.state().workers[0].models == ("tiny",))

    run(work())


def test_a_reload_that_fails_leaves_the_old_one(sentence: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": sentence}, workers=0) as service:
            # A file that is mapped is replaced, never written to.
            (sentence / "broken").write_bytes(b"broken")
            (sentence / "broken").rename(sentence / "model.safetensors")
            with pytest.raises(BertieError):
                await service.reload("tiny")
            (entry,) = service.models()
            assert entry.state == READY
            assert len((await embed(service, "a")).answers) == 1

    run(work())


def test_models_are_added_and_forgotten(tiny_sentence: Path, tmp_path: Path) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}) as service:
            entry = await service.load("other", str(tiny_sentence), {"normalize": False})
            assert entry.task == "embed"
            unnormalized = await embed(service, "a", model="other")
            assert unnormalized.fingerprint != (await embed(service, "a")).fingerprint
            with pytest.raises(InputError, match="model 'other' is there already"):
                await service.load("other", str(tiny_sentence), {})
            with pytest.raises(InputError, match="model 'third' has pollings, expected some of"):
                await service.load("third", str(tiny_sentence), {"pollings": "mean"})
            with pytest.raises(SourceError):
                await service.load("third", str(tmp_path / "nowhere"), {})
            await service.unload("other")
            with pytest.raises(UnknownModel):
                await embed(service, "a", model="other")
            assert [entry.name for entry in service.models()] == ["tiny"]
            await until(lambda: service.state().workers[0].models == ("tiny",))

    run(work())


def test_a_model_may_wait_for_its_first_use(tiny_sentence: Path, tiny_bert: Path) -> None:
    async def work() -> None:
        async with serving(
            models={"a": tiny_sentence, "b": tiny_bert}, workers=0, load="use"
        ) as service:
            assert {entry.state for entry in service.models()} == {UNLOADED}
            assert service.find(None, "embed").name == "a"
            with pytest.raises(TaskError):
                service.find("b", "tag")
            await asyncio.gather(*(embed(service, "x", model="b") for _ in range(4)))
            assert [entry.state for entry in service.models()] == [UNLOADED, READY]
            assert service.models()[1].info["task"] == "embed"

    run(work())


def test_a_model_that_can_not_be_loaded_is_an_error_at_the_start(tmp_path: Path) -> None:
    async def work() -> None:
        with pytest.raises(SourceError):
            async with serving(models={"none": tmp_path / "nowhere"}, workers=0):
                pass

    run(work())


def test_a_model_that_failed_does_not_keep_others_from_being_asked(
    tiny_sentence: Path, tmp_path: Path
) -> None:
    async def work() -> None:
        models = {"tiny": tiny_sentence, "odd": shutil.copytree(tiny_sentence, tmp_path / "odd")}
        async with serving(models=models, workers=0, load="use") as service:
            (tmp_path / "odd" / "model.safetensors").unlink()
            with pytest.raises(BertieError):
                await embed(service, "a", model="odd")
            assert len((await embed(service, "a")).answers) == 1
            assert (await service.ready()).ready

    run(work())


def test_a_model_that_failed_is_not_ready_and_is_tried_again(
    tiny_sentence: Path, tmp_path: Path
) -> None:
    async def work() -> None:
        late = tmp_path / "late"
        shutil.copytree(tiny_sentence, late)
        async with serving(models={"late": late}, workers=0, load="use") as service:
            (late / "model.safetensors").rename(tmp_path / "aside")
            with pytest.raises(BertieError):
                await embed(service, "a", model="late")
            assert service.models()[0].state == FAILED
            found = await service.ready()
            assert not found.ready
            assert "model 'late' can't be loaded" in found.reason
            (tmp_path / "aside").rename(late / "model.safetensors")
            assert len((await embed(service, "a", model="late")).answers) == 1

    run(work())


def test_the_least_recently_used_is_unloaded_beyond_the_memory_allowed(
    tiny_sentence: Path,
) -> None:
    async def work() -> None:
        models = dict.fromkeys("abc", tiny_sentence)
        async with serving(models=models, load="use", max_memory=1) as service:
            sizes = batch_sizes(service)
            for name in "abca":
                await asyncio.gather(*(embed(service, f"{n}", model=name) for n in range(3)))
                states = {entry.name: entry.state for entry in service.models()}
                assert [name for name, state in states.items() if state == READY] == [name]
                await until(lambda name=name: service.state().workers[0].models == (name,))
            assert sum(sizes) == 12

    run(work())
