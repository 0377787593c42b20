"""How the app is coloured."""
