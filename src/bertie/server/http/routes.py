"""Every route, in the order in which patterns are tried."""

from bertie.server.http.apis import (
    admin,
    cohere,
    dispatch,
    health,
    huggingface,
    infinity,
    metrics,
    models,
    openai,
    own,
    pages,
    rerank,
    search,
    tei,
    tei_tokens,
    tensorflow,
)
from bertie.server.http.route import Route

ROUTES: tuple[Route, ...] = (
    *openai.ROUTES,
    *tei.ROUTES,
    *tei_tokens.ROUTES,
    *dispatch.ROUTES,
    *huggingface.ROUTES,
    *rerank.ROUTES,
    *infinity.ROUTES,
    *cohere.ROUTES,
    *own.ROUTES,
    *search.ROUTES,
    *health.ROUTES,
    *metrics.ROUTES,
    *pages.ROUTES,
    *admin.ROUTES,
    *models.ROUTES,
    *tensorflow.ROUTES,
    *models.LAST_ROUTES,
    *dispatch.LAST_ROUTES,
)
