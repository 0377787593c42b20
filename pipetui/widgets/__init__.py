"""The few widgets the screens are made of: bars, lists and text, all painted line by line."""
