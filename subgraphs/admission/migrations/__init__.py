"""The history of the schema `admission`."""
