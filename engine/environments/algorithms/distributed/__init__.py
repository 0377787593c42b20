"""What the SDK's drivers of distributed training need of a cluster, for hosts of one machine."""
