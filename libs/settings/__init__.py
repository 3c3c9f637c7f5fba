"""Every setting of every process, in one place."""

from libs.settings.settings import SUBGRAPHS, Settings, SettingsError, load_settings

__all__ = ["SUBGRAPHS", "Settings", "SettingsError", "load_settings"]
