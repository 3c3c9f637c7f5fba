"""What is done with messages: written, linked to pupils, sent, tried again."""

from subgraphs.notification.notification.operations.announce import announce_activation, announce_invitation
from subgraphs.notification.notification.operations.link import link_guardianship, link_pupil
from subgraphs.notification.notification.operations.retry import RetryRequested, forget_secrets, retry_notification
from subgraphs.notification.notification.operations.send import Sender
from subgraphs.notification.notification.rules import FORGET_SECRETS

__all__ = [
    "FORGET_SECRETS",
    "RetryRequested",
    "Sender",
    "announce_activation",
    "announce_invitation",
    "forget_secrets",
    "link_guardianship",
    "link_pupil",
    "retry_notification",
]
