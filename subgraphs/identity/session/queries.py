"""Who signs access tokens, and how long tokens live."""

from datetime import timedelta

from libs.auth import TokenIssuer
from libs.settings import Settings


class TokenPolicy:
    """Signs access tokens, and says how long they and refresh tokens live. Raises SettingsError for a bad key set."""

    def __init__(self, settings: Settings) -> None:
        self.issuer = TokenIssuer(settings)
        self.access_seconds = settings.access_token_seconds
        self.refresh_life = timedelta(seconds=settings.refresh_token_seconds)
