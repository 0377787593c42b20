"""Turns the customers into rows of numbers: the label first, then the features."""

import csv
import logging
from pathlib import Path

BASE = Path("/opt/ml/processing")
SCHEMA = {
    "customer_id",
    "tenure_months",
    "monthly_charges",
    "support_calls",
    "contract",
    "churned",
}
CONTRACTS = ["month", "year", "two-year"]
TYPICAL_TENURE = 36.0

log = logging.getLogger("build_features")


def main():
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    customers = read_customers(BASE / "input" / "data")
    features = build(customers)
    (BASE / "features").mkdir(parents=True, exist_ok=True)
    with (BASE / "features" / "features.csv").open("w", newline="") as file:
        csv.writer(file).writerows(features)
    log.info("wrote %d rows of %d features", len(features), len(features[0]) - 1)


def read_customers(folder):
    source = sorted(folder.glob("*.csv"))[0]
    with source.open(newline="") as file:
        customers = list(csv.DictReader(file))
    log.info("read %d customers from %s", len(customers), source.name)
    for name in sorted(set(customers[0]) - SCHEMA):
        log.warning("column '%s' is not in the schema, kept as it is", name)
    return customers


def build(customers):
    for customer in customers:
        if not customer["tenure_months"]:
            log.warning("%s has no tenure, the typical one is used", customer["customer_id"])
    return [features_of(customer) for customer in customers]


def features_of(customer):
    charges = float(customer["monthly_charges"])
    tenure = float(customer["tenure_months"] or TYPICAL_TENURE)
    contract = [float(customer["contract"] == name) for name in CONTRACTS]
    calls = float(customer["support_calls"])
    return [int(customer["churned"]), tenure / 72, charges / 120, calls / 5, *contract]


if __name__ == "__main__":
    main()
