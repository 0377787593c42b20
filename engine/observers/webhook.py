"""POSTs each event to the configured URL; one that is not taken is sent again, a few times."""

from __future__ import annotations

import asyncio
from functools import partial

from engine.delivery import DeliveryError, to_url
from engine.observers.base import Json, Observer, Subject
from engine.observers.told import Messenger

PAUSES_S = (0.5, 1.0, 2.0, 4.0)
"""Before the second attempt to send an event, the third, and so on."""


def webhook_observer(subject: Subject, pauses_s: tuple[float, ...] = PAUSES_S) -> Observer:
    """An observer that sends to ``observers.webhook``."""
    return Messenger("webhook", subject, partial(tell, subject, pauses_s))


async def tell(subject: Subject, pauses_s: tuple[float, ...], event: Json) -> None:
    """Send one event. Errors: ``DeliveryError`` of the last attempt."""
    config = subject.config
    for pause in pauses_s:
        try:
            return await to_url(config.observers_webhook, event, config.observers_timeout_s)
        except DeliveryError:
            await asyncio.sleep(pause)
    await to_url(config.observers_webhook, event, config.observers_timeout_s)
