"""The history of the schema `notification`."""
