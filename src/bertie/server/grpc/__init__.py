"""Text Embeddings Inference over gRPC: the same handlers as over HTTP, in protocol buffers."""
