"""finance: what is billed, and what is paid."""
