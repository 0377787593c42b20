"""The function behind the Promote step, run in place of AWS Lambda."""


def promote(event, context):
    """Turns the approver's answer into a release; the keys are the step's OutputParameters."""
    percent = int(event["TrafficPercent"])
    if not 0 <= percent <= 100:
        raise ValueError(f"TrafficPercent is {percent}, it must be 0 to 100")
    kind = "canary" if event["Canary"] else "full"
    print(f"promoting {event['ModelUri']}: {kind}, {percent} % of the traffic")
    print(f"to be rolled back above an error rate of {event['MaxErrorRate']}")
    return {"Release": f"{kind}-{event['ExecutionId']}", "Weight": percent / 100}
