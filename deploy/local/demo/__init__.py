"""The demo schools: real input files, and how they become a school year with people in it."""
