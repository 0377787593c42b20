"""STS: who am I."""

from __future__ import annotations

from collections.abc import Mapping

from engine.endpoint.faults import STS_NAMESPACE, AwsFault, document, node, text


def answer(form: Mapping[str, str], account: str) -> str:
    """Answer an STS request in the query protocol; GetCallerIdentity is all there is."""
    action = form.get("Action", "")
    if action != "GetCallerIdentity":
        raise AwsFault("InvalidAction", f"The local endpoint has no STS action {action!r}.")
    identity = node(
        "GetCallerIdentityResult",
        text("Arn", f"arn:aws:sts::{account}:assumed-role/pipetui/local"),
        text("UserId", "AROALOCALPIPETUI:local"),
        text("Account", account),
    )
    metadata = node("ResponseMetadata", text("RequestId", "0"))
    return document("GetCallerIdentityResponse", identity, metadata, namespace=STS_NAMESPACE)
