"""Servers under load: how they are started, what they are sent, and what came of it."""
