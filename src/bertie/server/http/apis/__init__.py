"""The APIs that the server speaks: each file has one server's shapes and routes."""
