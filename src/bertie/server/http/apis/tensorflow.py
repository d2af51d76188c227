"""TensorFlow Serving's predictions, for clients of exported SavedModels; tokens, not texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bertie.server.http.api import TENSORFLOW
from bertie.server.http.apis.models import version_of
from bertie.server.http.context import Context
from bertie.server.http.errors import RequestError
from bertie.server.http.route import Route
from bertie.server.http.serialization import RequestBody, ResponseBody
from bertie.server.tensors import Tensors

# What the exports call their inputs; each is (batch, sequence) of whole numbers.
INPUTS = ("input_ids", "input_mask", "input_type_ids")


@dataclass(frozen=True)
class Signature:
    """One of an export's functions.

    Attributes:
        name: as clients name it.
        output: its only output's name.
        dimensions: of the output, -1 where any size may be.
        method: a key of the server's METHODS.
        task: what its models are for.
    """

    name: str
    output: str
    dimensions: tuple[int, ...]
    method: str
    task: str


SIGNATURES: Mapping[str, Signature] = {
    signature.task: signature
    for signature in (
        Signature("embedding", "embedding", (-1, -1, -1), "tensors", "embed"),
        Signature("classifier", "probabilities", (-1, -1), "tensors_classify", "classify"),
    )
}
_DEFAULT = "serving_default"


class PredictBody(RequestBody, frozen=True, kw_only=True):
    """Inputs by rows (instances) or by columns (inputs)."""

    signature_name: str | None = None
    instances: list[dict[str, Any]] | None = None
    inputs: dict[str, Any] | None = None


async def predict(context: Context, body: PredictBody) -> dict[str, Any]:
    """Compute an export's output for token ids."""
    _require_version(context)
    name = context.path_params["name"]
    entry = context.find_exactly(name)
    await context.service.tokenizer(entry.name)
    signature = _signature(entry.task, body.signature_name)
    by_rows = body.instances is not None
    if by_rows == (body.inputs is not None):
        raise RequestError("invalid", "expected either instances or inputs")
    rows = _rows(body.instances or []) if by_rows else _columns(body.inputs or {})
    if not rows:
        raise RequestError("empty", "there is nothing to compute, expected an input or several")
    context.check_count(len(rows), "instances" if by_rows else "inputs")
    response = await context.infer(signature.method, rows, model=name)
    return {"predictions" if by_rows else "outputs": list(response.answers)}


def _signature(task: str | None, name: str | None) -> Signature:
    """Find the function that is meant."""
    signature = SIGNATURES.get(task or "")
    if signature is None:
        raise RequestError(
            "wrong_task", f"the model is for {task!r}, which no export's signature has"
        )
    if name not in (None, _DEFAULT, signature.name):
        raise RequestError(
            "invalid",
            f"signature_name is {name!r}, but the model has {signature.name!r}",
            param="signature_name",
        )
    return signature


def _rows(instances: list[dict[str, Any]]) -> list[Tensors]:
    """Read one record for each input."""
    return [
        _tensors({name: _of(row, name, f"instances[{i}]") for name in INPUTS}, f"instances[{i}]")
        for i, row in enumerate(instances)
    ]


def _columns(inputs: dict[str, Any]) -> list[Tensors]:
    """Read one tensor for each name."""
    tensors = {name: _of(inputs, name, "inputs") for name in INPUTS}
    counts = {len(rows) for rows in tensors.values()}
    if len(counts) != 1:
        raise RequestError(
            "invalid", f"the tensors of inputs have {counts} rows, expected as many each"
        )
    (count,) = counts
    lengths = {len(row) for rows in tensors.values() for row in rows if isinstance(row, list)}
    if len(lengths) > 1:
        raise RequestError(
            "invalid", "the rows of inputs have several lengths, expected padded ones"
        )
    return [
        _tensors({name: rows[i] for name, rows in tensors.items()}, f"inputs row {i}")
        for i in range(count)
    ]


def _of(record: Mapping[str, Any], name: str, where: str) -> list[Any]:
    """Take one of the tensors."""
    found = record.get(name)
    if not isinstance(found, list):
        raise RequestError(
            "invalid", f"{where} has no list {name}, expected {', '.join(INPUTS)}", param=name
        )
    return found


def _tensors(parts: Mapping[str, Any], where: str) -> Tensors:
    """Put one input together."""
    for name, values in parts.items():
        if not isinstance(values, list) or not all(type(one) is int for one in values):
            raise RequestError(
                "invalid", f"{where}: {name} isn't a list of whole numbers", param=name
            )
    ids, mask, type_ids = (tuple(parts[name]) for name in INPUTS)
    return Tensors(ids, mask, type_ids)


class ModelSpec(ResponseBody, frozen=True, kw_only=True):
    """Which model it is."""

    name: str
    signature_name: str
    version: str


class Metadata(ResponseBody, frozen=True, kw_only=True):
    """A model's signatures, as TensorFlow Serving describes them."""

    model_spec: ModelSpec
    metadata: dict[str, Any]


async def metadata(context: Context) -> Metadata:
    """Describe a model's signatures."""
    _require_version(context)
    entry = context.find_exactly(context.path_params["name"])
    await context.service.tokenizer(entry.name)
    signature = _signature(entry.task, None)
    described = {
        "inputs": {name: _described(name, "DT_INT32", (-1, -1)) for name in INPUTS},
        "outputs": {
            signature.output: _described(signature.output, "DT_FLOAT", signature.dimensions)
        },
        "method_name": "tensorflow/serving/predict",
    }
    return Metadata(
        model_spec=ModelSpec(name=entry.name, signature_name="", version=version_of(entry)),
        metadata={"signature_def": {"signature_def": {signature.name: described}}},
    )


def _described(name: str, kind: str, sizes: Sequence[int]) -> dict[str, Any]:
    """Describe one tensor."""
    dimensions = [{"size": str(size), "name": ""} for size in sizes]
    shape = {"dim": dimensions, "unknown_rank": False}
    return {"dtype": kind, "tensor_shape": shape, "name": f"{name}:0"}


def _require_version(context: Context) -> None:
    """Refuse a version that isn't served: there is one, the latest."""
    wanted = context.path_params.get("version")
    if wanted is None:
        return
    entry = context.find_exactly(context.path_params["name"])
    served = version_of(entry)
    if wanted not in (served, "1"):
        raise RequestError("model_not_found", f"version {wanted} isn't served, but {served} is")


ROUTES = (
    *(
        Route(
            "POST",
            f"/v1/models/{{name:path}}{version}:predict",
            predict,
            TENSORFLOW,
            PredictBody,
            dict[str, Any],
            task="tensors",
        )
        for version in ("/versions/{version}", "")
    ),
    *(
        Route(
            "GET",
            f"/v1/models/{{name:path}}{version}/metadata",
            metadata,
            TENSORFLOW,
            None,
            Metadata,
        )
        for version in ("/versions/{version}", "")
    ),
)
