"""Messages: written with the event that causes them, sent outside its transaction."""
