"""The servers whose words are spoken."""

from bertie.server.http.apis import errors
from bertie.server.http.route import Api

BERTIE = Api("bertie", "Bertie", errors.Error)
OPENAI = Api("openai", "OpenAI", errors.Error)
TEI = Api(
    "tei",
    "Text Embeddings Inference",
    errors.TeiError,
    payload="payload_limit",
    inputs="max_client_batch_size",
)
COHERE = Api("cohere", "Cohere", errors.CohereError, inputs="max_documents")
INFINITY = Api("infinity", "infinity", errors.Error)
TENSORFLOW = Api("tensorflow", "TensorFlow Serving", errors.TensorFlowError)
HUGGINGFACE = Api("huggingface", "Hugging Face inference", errors.TeiError)
