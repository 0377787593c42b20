"""One step of an execution run again in a scratch copy, and what that changes in its outputs."""
