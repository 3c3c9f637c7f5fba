"""Right inputs for the mutations of sessions and devices."""

from typing import Any

from libs.auth import Actor
from libs.testing import GraphClient

_OWN = "{ me { id sessions { id } devices { id } } }"


async def session_inputs(graph: GraphClient, actor: Actor) -> dict[str, dict[str, Any]]:
    """For an actor who is signed in."""
    own = (await graph(_OWN, actor=actor)).ok()["me"]
    return {
        "revokeSession": {"sessionId": own["sessions"][0]["id"]},
        "forgetDevice": {"deviceId": own["devices"][0]["id"]},
        "logoutEverywhere": {"exceptThis": False},
        "unlockUser": {"userId": own["id"]},
    }
