"""Channels: how a message leaves the house, and the development sink that can be read."""
