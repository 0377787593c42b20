"""Sources of executions: the same views, whether they ran here, on AWS or in a recording."""
