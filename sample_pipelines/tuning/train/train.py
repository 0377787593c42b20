"""Pretends to train: a validation loss that falls with each epoch, down to what the settings allow.

The lowest loss, 0, lies at rate 0.01, dropout 0.3, depth 7 and activation relu. Noise is a fixed
function of the settings, so the same settings always give the same loss.
"""

import argparse
import json
import math
import os
import random
import time
from pathlib import Path

ACTIVATIONS = {"relu": 0.0, "gelu": 0.15, "tanh": 0.3}


def floor_of(settings):
    """The loss that these settings come down to."""
    return (
        (math.log10(settings.rate) + 2) ** 2 / 2
        + (settings.dropout - 0.3) ** 2 * 4
        + ((settings.depth - 7) / 6) ** 2
        + ACTIVATIONS[settings.activation]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--dropout", type=float, required=True)
    parser.add_argument("--depth", type=int, required=True)
    parser.add_argument("--activation", choices=ACTIVATIONS, required=True)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--seconds-per-epoch", type=float, default=0.0)
    settings = parser.parse_args()
    pause = vars(settings).pop("seconds_per_epoch")
    noise = random.Random(repr(vars(settings)))
    for epoch in range(1, settings.epochs + 1):
        loss = floor_of(settings) + math.exp(-epoch) + abs(noise.gauss(0, 0.02))
        print(f"epoch={epoch} validation_loss={loss:.5f}", flush=True)
        time.sleep(pause)
    model = Path(os.environ["SM_MODEL_DIR"], "model.json")
    model.write_text(json.dumps({**vars(settings), "validation_loss": loss}))


if __name__ == "__main__":
    main()
