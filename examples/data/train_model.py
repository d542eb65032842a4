"""Train the digit classifier of `examples/model.rs`.

    pip install scikit-learn==1.9.1
    python train_model.py

Writes, beside this script, `digits_model.json` (the weights, one row per output) and
`digits_holdout.csv` (a label and 64 pixels per line: a fifth of the images, which the
training never saw).
"""

import csv
import json
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

HERE = Path(__file__).parent
BRIGHTEST = 16


def main():
    digits = load_digits()
    pixels, held_out_pixels, labels, held_out_labels = train_test_split(
        digits.data, digits.target, test_size=0.2, stratify=digits.target, random_state=0
    )

    model = MLPClassifier(hidden_layer_sizes=(64,), alpha=0.1, max_iter=2000, random_state=0)
    model.fit(pixels / BRIGHTEST, labels)
    # Five decimals keep the file small; the score below is of what the file holds.
    model.coefs_ = [layer.round(5) for layer in model.coefs_]
    model.intercepts_ = [bias.round(5) for bias in model.intercepts_]

    layers = [
        {"weights": layer.T.tolist(), "bias": bias.tolist()}
        for layer, bias in zip(model.coefs_, model.intercepts_)
    ]
    with open(HERE / "digits_model.json", "w", encoding="utf-8") as file:
        json.dump({"brightest": BRIGHTEST, "layers": layers}, file, separators=(",", ":"))
        file.write("\n")

    with open(HERE / "digits_holdout.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["label"] + [f"p{i}" for i in range(64)])
        for label, image in zip(held_out_labels, held_out_pixels):
            writer.writerow([label, *image.astype(int)])

    score = model.score(held_out_pixels / BRIGHTEST, held_out_labels)
    print(f"{len(labels)} images to train on, accuracy on {len(held_out_labels)} others: {score:.4f}")


if __name__ == "__main__":
    main()
