"""What academic tells of a school, kept by events in any order."""
