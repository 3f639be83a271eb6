"""Topics of SNS, published to with the operator's credentials on behalf of an organization.

Where SNS is, and with which credentials it is called, botocore's usual chain says: AWS's own, or what
AWS_ENDPOINT_URL_SNS names. The RoleArn that a caller gives is not assumed.
"""

from __future__ import annotations

import threading
from typing import Any

from regard.settings import Settings
from regard.stores.grants import Grants
from regard.stores.patience import Patience

_MOST_SECONDS, _MOST_HANGING = 30.0, 8


class TopicRefused(PermissionError):
    """The organization may not have this topic published to for it."""


class Topics:
    """Which topics may be published to for whom, and the publishing. Thread-safe.

    Raises ValueError for a setting that cannot be right.
    """

    def __init__(self, settings: Settings) -> None:
        self._grants = Grants(
            "sns_allowed", settings.sns_allowed, "arn:aws:sns:…", lambda arn: arn if arn.startswith("arn:") else ""
        )
        self._patience = Patience(_MOST_SECONDS, _MOST_HANGING)
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()

    def require(self, organization: str, topic: str) -> None:
        """Raise TopicRefused unless the topic, by its ARN, may be published to for the organization."""
        if not self._grants.allow(organization, topic):
            raise TopicRefused(
                f"organization {organization} may not have {topic} published to; "
                f"the operator allows it with {self._grants.variable}={organization}={topic}"
            )

    def publish(self, organization: str, topic: str, message: str, subject: str = "") -> None:
        """Publish to a topic, with or without a subject. Raises TopicRefused, and OSError where SNS did not take it."""
        self.require(organization, topic)
        # What takes half a second to import, every command that opens the holdings would wait for.
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        # The fourth part of arn:aws:sns:REGION:ACCOUNT:NAME.
        region = topic.split(":")[3]
        try:
            client = self._client(region)
            about = {"Subject": subject} if subject else {}
            self._patience.of(lambda: client.publish(TopicArn=topic, Message=message, **about))
        except ResponseParserError:
            # It would repeat all that came.
            raise OSError("what answered did not answer as SNS does") from None
        except (BotoCoreError, ClientError, LookupError, ValueError) as error:
            raise OSError(str(error)) from error

    def _client(self, region: str) -> Any:
        from botocore.config import Config

        from regard.stores.client import bounded_client

        with self._making:
            if region not in self._clients:
                self._clients[region] = bounded_client("sns", Config(), region_name=region)
            return self._clients[region]
