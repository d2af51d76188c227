"""Every route, in the order in which patterns are tried."""

from bertie.server.http.apis import (
    admin,
    cohere,
    documents,
    health,
    huggingface,
    infinity,
    main,
    models,
    openai,
    own,
    rerank,
    search,
    speakers,
    status,
    tei,
    tei_tokens,
    tensorflow,
)
from bertie.server.http.route import Api, Route

ROUTES: tuple[Route, ...] = (
    *openai.ROUTES,
    *tei.ROUTES,
    *tei_tokens.ROUTES,
    *main.ROUTES,
    *huggingface.ROUTES,
    *rerank.ROUTES,
    *infinity.ROUTES,
    *cohere.ROUTES,
    *own.ROUTES,
    *search.ROUTES,
    *health.ROUTES,
    *status.ROUTES,
    *documents.ROUTES,
    *admin.ROUTES,
    *models.ROUTES,
    *tensorflow.ROUTES,
    *models.LAST_ROUTES,
    *main.LAST_ROUTES,
)

# Where there is no route, an error is said in our own words.
UNROUTED: Api = speakers.BERTIE
