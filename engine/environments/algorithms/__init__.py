"""Programs that run inside a built environment in place of a container's own.

They know the job's ``/opt/ml`` tree and the libraries of their environment, never the engine, and
run on Python 3.8 to 3.13 as ``python <this folder> PROGRAM``, xgboost or script-mode.
"""
