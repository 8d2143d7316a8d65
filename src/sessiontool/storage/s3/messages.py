"""Messages about what was done, to a topic of SNS or a bus of EventBridge."""

from __future__ import annotations

import json
import re
from contextlib import closing
from typing import TYPE_CHECKING, Any

from ...errors import StorageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...options import S3Options

SOURCE = "sessiontool"
_ARN = (
    r"arn:[a-z0-9-]{1,20}:(?P<service>sns|events):(?P<region>[a-z0-9-]{1,40}):[0-9]{12}"
    r":(?P<name>[A-Za-z0-9._/-]{1,300})"
)
_MOST_SUBJECT = 100
"""Characters of a subject, by the definition of SNS' call Publish."""


def check_arn(arn: str) -> str:
    """`arn` if it is that of a topic or a bus (UsageError)."""
    if not re.fullmatch(_ARN, arn):
        raise UsageError(
            f"notify_arn {arn[:80]!r} is neither a topic of SNS nor a bus of EventBridge",
            hint="it reads arn:aws:sns:REGION:ACCOUNT:TOPIC or arn:aws:events:REGION:ACCOUNT:event-bus/NAME",
        )
    return arn


def send_message(arn: str, subject: str, document: Mapping[str, Any], options: S3Options) -> None:
    """Send a message: to a topic with its `status` as an attribute, to a bus with `subject` as its detail type.

    Raises UsageError for what is no such ARN, StorageError where it is not taken.
    """
    import boto3  # noqa: PLC0415 - as everywhere: half a second
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    found = re.fullmatch(_ARN, check_arn(arn))
    assert found is not None
    session: Any = boto3.Session(profile_name=options.profile, region_name=found["region"])
    try:
        with closing(session.client(found["service"])) as client:
            if found["service"] == "sns":
                _publish(client, arn, subject, document)
            else:
                _put_event(client, arn, subject, document)
    except (BotoCoreError, ClientError) as error:
        raise StorageError(f"cannot send a message to {arn}: {error}", hint="check the ARN and the policy") from error


def _publish(client: Any, arn: str, subject: str, document: Mapping[str, Any]) -> None:
    plain = subject.encode("ascii", "replace").decode()[:_MOST_SUBJECT]
    attributes = {"status": {"DataType": "String", "StringValue": str(document.get("status", ""))}}
    client.publish(TopicArn=arn, Subject=plain, Message=json.dumps(document), MessageAttributes=attributes)


def _put_event(client: Any, arn: str, subject: str, document: Mapping[str, Any]) -> None:
    entry = {"Source": SOURCE, "DetailType": subject, "Detail": json.dumps(document), "EventBusName": arn}
    answer = client.put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        why = answer["Entries"][0].get("ErrorMessage", "no reason was given")
        raise StorageError(f"cannot send a message to {arn}: {why}", hint="check the ARN and the policy")
