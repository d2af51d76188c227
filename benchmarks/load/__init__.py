"""Servers under load: how they are started, how they are asked, and what came of it."""
