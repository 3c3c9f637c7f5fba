"""admission: who wants to come to the school."""
