"""notification: one message to the right person, once."""
