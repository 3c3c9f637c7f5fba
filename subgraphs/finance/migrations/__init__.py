"""The history of the schema `finance`."""
