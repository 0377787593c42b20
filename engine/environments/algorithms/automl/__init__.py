"""A program that stands in for Autopilot's ensembling mode: a bounded, seeded search over models.

``python <this folder>`` runs it in a job's tree: ``input/config/automl.json`` is the plan, the
channels training and validation are the data. It leaves a model that serves in ``model`` and its
reports in ``output/data``. It needs scikit-learn and pandas; XGBoost is one of the candidates where
the environment has it.
"""
