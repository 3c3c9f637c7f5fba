"""The history of the schema `operations`."""
