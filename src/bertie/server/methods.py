"""Every method that the server calls: the library's, and two on TensorFlow's tensors."""

from collections.abc import Mapping

from bertie.server.tensors import check, hidden_states, probabilities
from bertie.tasks import methods as library
from bertie.tasks.methods import Method

METHODS: Mapping[str, Method] = {
    **library.METHODS,
    "tensors": Method("embed", "embed", hidden_states, count=check),
    "tensors_classify": Method("classify", "classify", probabilities, count=check),
}
