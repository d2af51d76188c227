"""Bulk jobs: any number of rows through a model, exactly once, on one machine or many."""
