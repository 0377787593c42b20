"""What the screens say, as lines of toned text: pure functions of the engine's views."""
