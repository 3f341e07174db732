#!/usr/bin/env python3
"""Makes outcomes.csv of the demonstration shop: python3 make_outcomes.py STORE, a store that campaign.toml has run to publish.

Nobody saw these copies: who looked, clicked and bought is drawn, with a little more luck for warm copy and less for customers
who got none. The same store gives the same bytes.
"""

import csv
import random
import sqlite3
import sys
from pathlib import Path

DAY = 86400


def main():
    database = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
    chance = random.Random(1)
    rows = []
    for user, copy, arm, time in database.execute(
            "SELECT u.shop_id, a.copy, c.arm, a.time FROM assignment a JOIN placement p ON p.id = a.placement "
            "JOIN user u ON u.id = p.user LEFT JOIN copy c ON c.id = a.copy ORDER BY u.shop_id"):
        seen = time + chance.randrange(DAY)
        if copy is None:
            if chance.random() < 0.06:
                rows.append((user, "", "conversion", seen + DAY, "59.00"))
            continue
        rows.append((user, copy, "impression", seen, ""))
        if chance.random() < (0.36 if arm == "warm" else 0.2):
            rows.append((user, copy, "click", seen + 60, ""))
            if chance.random() < 0.4:
                rows.append((user, copy, "conversion", seen + 600, "89.00"))
        elif chance.random() < 0.03:
            rows.append((user, copy, "unsubscribe", seen + 90, ""))
    with open(Path(__file__).resolve().parent / "outcomes.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["user", "copy", "kind", "time", "value"])
        writer.writerows(sorted(rows, key=lambda row: row[3]))


if __name__ == "__main__":
    main()
