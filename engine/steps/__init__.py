"""One module per SageMaker step type: resolved arguments in, jobs run, properties out."""
