"""Text Embeddings Inference's POST /: whatever the default model is for."""

from typing import Any

import msgspec

from bertie.errors import TaskError
from bertie.server.http.apis import rerank, tei, tei_bodies
from bertie.server.http.apis.speakers import TEI
from bertie.server.http.asker import Asker
from bertie.server.http.encoding import decoded
from bertie.server.http.route import Route

# A model's task → the body and the handler of its route.
_BY_TASK: dict[str, tuple[Any, Any]] = {
    "embed": (tei_bodies.EmbedBody, tei.embed),
    "sparse": (tei_bodies.TokensBody, tei.embed_sparse),
    "classify": (tei_bodies.PredictBody, tei.predict),
    "rank": (rerank.RerankBody, rerank.rerank),
}


async def main(asker: Asker, body: msgspec.Raw) -> Any:
    """Do what the default model is for: embed, predict or rerank."""
    await asker.tokenizer()
    task = asker.entry.task if asker.entry else None
    if task not in _BY_TASK:
        raise TaskError(
            f"the model {asker.model_name!r} is for {task!r}, which has no place at /: see /docs"
        )
    asker.model = asker.model_name
    takes, handle = _BY_TASK[task]
    return await handle(asker, decoded(bytes(body), takes))


ROUTES = (Route("POST", "/", main, TEI, msgspec.Raw, Any),)
