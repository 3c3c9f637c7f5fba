"""Default templates of what notifies, and the layout of every mail."""
