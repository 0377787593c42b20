"""The impure shell: executes what the planner decides, and writes down what happens."""
