"""Bertie and its peers, each in a process of its own, taking turns on the same texts."""
