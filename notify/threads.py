"""Which mails belong together: all about one subject, so that a mail program shows a problem and its end as one; core."""

import hashlib
from collections.abc import Sequence

from notify.event import Event


def thread(events: Sequence[Event], domain: str) -> str | None:
    """Message-ID (RFC 5322 section 3.6.4) of the conversation's made-up beginning; None when the mail is about several
    subjects."""
    topics = {(event.cluster, event.kind.value.partition(".")[0], event.subject) for event in events}
    if len(topics) != 1:
        return None
    digest = hashlib.sha256("\0".join(topics.pop()).encode()).hexdigest()[:24]
    return f"<hactl.{digest}@{domain}>"
