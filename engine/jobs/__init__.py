"""Where a job runs: starts, waits for, stops and adopts one operating-system job per attempt."""
