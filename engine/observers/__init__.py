"""Who is told of an execution's status changes: files, programs, webhooks, reports."""
