"""From a model's specification to the model: its encoder packed, its parts joined."""

from functools import partial
from math import prod
from typing import TYPE_CHECKING

from bertie.engine.batching import DEFAULT_BUDGET, budget_for
from bertie.engine.encoder import Encoder, Recipe
from bertie.loading.spec import ModelSpec
from bertie.tasks.head import available
from bertie.tasks.model import Model, Parts

if TYPE_CHECKING:
    from bertie.tasks.info import ModelInfo


def build(
    spec: ModelSpec,
    source: str,
    reload: "partial[Model]",
    *,
    threads: int | None,
    budget: int | None,
    max_memory: int | None,
) -> Model:
    """Make a model.

    Args:
        spec: what it is to be.
        source: what the caller named.
        reload: loads the same model again, elsewhere.
        threads, budget, max_memory: as for bertie.load.
    """
    opened, prepared = spec.opened, spec.prepared
    encoder = Encoder(
        opened.config,
        {**opened.tensors, **opened.scales},
        threads=threads,
        recipe=encoder_recipe(spec, threads),
    )
    if budget is None:
        budget = _budget(max_memory, encoder, prepared.settings["max_length"].value)
    return prepared.start(
        Parts(
            encoder=encoder,
            tokenizer=opened.tokenizer,
            settings=prepared.settings,
            available=available(opened),
            info=partial(_describe, spec, source, encoder),
            fingerprint=partial(_fingerprint, spec),
            reload=reload,
            budget=budget,
        )
    )


def encoder_recipe(spec: ModelSpec, threads: int | None = None) -> Recipe:
    """Say how an encoder computes; for int8, find out how or recall it.

    Args:
        spec: what the model is to be.
        threads: as for bertie.load.
    """
    opened, sample = spec.opened, spec.sample
    if sample is None and not opened.quantized:
        return Recipe(spec.settled.precision.value)
    from bertie.engine.quantize import int8_recipe, stored_recipe  # only int8 takes the time
    from bertie.loading.fingerprint import remembered_hash
    from bertie.sources import cache_directory

    if sample is None:
        return stored_recipe(opened.config, opened.scales)
    return int8_recipe(
        opened.config,
        opened.tensors,
        sample,
        tensors_hash=remembered_hash(opened.tensors, opened.checkpoint.files),
        cache=cache_directory() / "quantized",
        threads=threads,
    )


def _budget(max_memory: int | None, encoder: Encoder, longest: int) -> int:
    """Settle the most tokens in one forward pass."""
    if max_memory is None:
        return DEFAULT_BUDGET
    fixed, per_token = encoder.memory(longest)
    return budget_for(max_memory, fixed, per_token, longest)


def _describe(spec: ModelSpec, source: str, encoder: Encoder) -> "ModelInfo":
    """Describe a model; some of its files are read again for what they disagree on."""
    from bertie.loading.notes import notes  # here, as below: a first vector needs neither
    from bertie.tasks.info import ModelInfo

    opened = spec.opened
    return ModelInfo(
        source=source,
        directory=str(opened.directory),
        task=spec.settled.task.name,
        dimensions=spec.prepared.dimensions,
        parameters=sum(prod(tensor.shape) for tensor in spec.used.values()),
        precision=encoder.precision,
        isa=encoder.isa,
        threads=encoder.threads,
        settings=spec.settings,
        modules=spec.prepared.modules,
        unused=opened.checkpoint.unused([*spec.used, *opened.scales]),
        notes=notes(spec),
    )


def _fingerprint(spec: ModelSpec) -> str:
    """Hash all that determines a result."""
    from bertie.loading.fingerprint import model_fingerprint

    return model_fingerprint(spec)
