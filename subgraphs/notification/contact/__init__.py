"""Whom the school can reach, as told by the events of identity and academic."""
