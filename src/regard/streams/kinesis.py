"""Kinesis Data Streams, put to with the operator's credentials on behalf of an organization.

Where Kinesis is, and with which credentials it is called, botocore's usual chain says: AWS's own, or what
AWS_ENDPOINT_URL_KINESIS names. The RoleArn that a caller gives is not assumed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from regard.settings import Settings
from regard.stores.grants import Grants
from regard.stores.patience import Patience

_MOST_SECONDS, _MOST_HANGING = 30.0, 8
# Kinesis': so many records at once, and so many bytes of each.
MOST_RECORDS, MOST_BYTES = 500, 1 << 20


class StreamRefused(PermissionError):
    """The organization may not have this data stream put to for it."""


class DataStreams:
    """Which data streams may be put to for whom, and the putting. Thread-safe.

    Raises ValueError for a setting that cannot be right.
    """

    def __init__(self, settings: Settings) -> None:
        self._grants = Grants(
            "kinesis_allowed",
            settings.kinesis_allowed,
            "arn:aws:kinesis:…",
            lambda arn: arn if arn.startswith("arn:") else "",
        )
        self._patience = Patience(_MOST_SECONDS, _MOST_HANGING)
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()

    def require(self, organization: str, stream: str) -> None:
        """Raise StreamRefused unless the data stream, by its ARN, may be put to for the organization."""
        if not self._grants.allow(organization, stream):
            raise StreamRefused(
                f"organization {organization} may not have {stream} put to; "
                f"the operator allows it with {self._grants.variable}={organization}={stream}"
            )

    def put(self, organization: str, stream: str, key: str, records: Sequence[bytes]) -> None:
        """Put records, at most MOST_RECORDS, all to the shard that `key` falls to: they stay in their order.

        Raises StreamRefused, and OSError where Kinesis did not take all of them: then some may come twice.
        """
        self.require(organization, stream)
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        # The fourth part of arn:aws:kinesis:REGION:ACCOUNT:stream/NAME.
        region = stream.split(":")[3]
        rows = [{"Data": each, "PartitionKey": key} for each in records]
        try:
            client = self._client(region)
            answer = self._patience.of(lambda: client.put_records(StreamARN=stream, Records=rows))
        except ResponseParserError:
            # It would repeat all that came.
            raise OSError("what answered did not answer as Kinesis does") from None
        except (BotoCoreError, ClientError, LookupError, ValueError) as error:
            raise OSError(str(error)) from error
        if failed := answer.get("FailedRecordCount"):
            codes = sorted({each["ErrorCode"] for each in answer["Records"] if "ErrorCode" in each})
            raise OSError(f"{failed} of {len(rows)} records were not taken: {', '.join(codes)}")

    def _client(self, region: str) -> Any:
        from botocore.config import Config

        from regard.stores.client import bounded_client

        with self._making:
            if region not in self._clients:
                self._clients[region] = bounded_client("kinesis", Config(), region_name=region)
            return self._clients[region]
