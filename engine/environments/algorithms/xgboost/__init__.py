"""The built-in XGBoost algorithm: what the image runs when no script is given."""
