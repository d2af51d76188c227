"""The APIs, our own and those of other servers: what their routes have in common."""

from dataclasses import dataclass
from typing import Any

from bertie.server.http.error_bodies import CohereError, Error, TeiError, TensorFlowError


@dataclass(frozen=True)
class Api:
    """One server's API, of several routes.

    Attributes:
        name: its word in the metrics and the log.
        title: what people call it.
        error_type: the type of its errors' bodies, which fills itself in by of(ErrorInfo).
        body_limit: the setting that says how many bytes a body may have.
        input_limit: the setting that says how many inputs a request may have.
    """

    name: str
    title: str
    error_type: Any
    body_limit: str = "body_limit"
    input_limit: str = "max_inputs"


BERTIE = Api("bertie", "Bertie", Error)
OPENAI = Api("openai", "OpenAI", Error)
TEI = Api(
    "tei",
    "Text Embeddings Inference",
    TeiError,
    body_limit="payload_limit",
    input_limit="max_client_batch_size",
)
COHERE = Api("cohere", "Cohere", CohereError, input_limit="max_documents")
INFINITY = Api("infinity", "infinity", Error)
TENSORFLOW = Api("tensorflow", "TensorFlow Serving", TensorFlowError)
HUGGINGFACE = Api("huggingface", "Hugging Face inference", TeiError)
