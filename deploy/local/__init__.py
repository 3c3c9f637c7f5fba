"""The whole stack on one machine: engines from packages, processes under a supervisor. Not for production."""
