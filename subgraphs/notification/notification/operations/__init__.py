"""What is done with messages: written, linked to pupils, sent, tried again."""

from subgraphs.notification.notification.operations.announce import (
    announce_activation,
    announce_application,
    announce_invitation,
)
from subgraphs.notification.notification.operations.announce_absence import announce_absence
from subgraphs.notification.notification.operations.announce_account import (
    LinkByMail,
    announce_link,
    announce_password,
    announce_repeated_registration,
    announce_second_factor,
)
from subgraphs.notification.notification.operations.announce_payment import announce_payment, announce_verification
from subgraphs.notification.notification.operations.link import link_guardianship, link_pupil
from subgraphs.notification.notification.operations.retry import RetryRequested, forget_secrets, retry_notification
from subgraphs.notification.notification.operations.send import Sender
from subgraphs.notification.notification.rules import FORGET_SECRETS

__all__ = [
    "FORGET_SECRETS",
    "LinkByMail",
    "RetryRequested",
    "Sender",
    "announce_absence",
    "announce_activation",
    "announce_application",
    "announce_invitation",
    "announce_link",
    "announce_password",
    "announce_payment",
    "announce_repeated_registration",
    "announce_second_factor",
    "announce_verification",
    "forget_secrets",
    "link_guardianship",
    "link_pupil",
    "retry_notification",
]
