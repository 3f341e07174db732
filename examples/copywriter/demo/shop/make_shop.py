#!/usr/bin/env python3
"""Makes the people of the demonstration shop: customers.csv, events.csv, reviews.jsonl and past_copy.csv beside this file.

Nobody in them exists, and nobody saw or bought anything: each customer is given one or two tastes, and looks at, saves and
buys what fits them, and now and then something else. The same seed gives the same bytes.
"""

import csv
import json
import random
from pathlib import Path

HERE = Path(__file__).resolve().parent
SEED = 20261101
NOW = 1793491200  # 2026-11-01
DAY = 86400

TASTES = {
    "zh": {
        "声音": ["jinggu-q2", "jinggu-n1"],
        "茶": ["shanxu-zhengshan", "shanxu-moli", "sutao-gaiwan"],
        "徒步": ["lanye-shell", "lanye-pack"],
        "亲子": ["xiaoman-blocks"],
    },
    "en": {
        "trail running": ["fernway-trail-3", "fernway-vest"],
        "home": ["lumen-desk-lamp", "lumen-floor-lamp"],
        "clothes": ["harborline-oxford", "harborline-chino"],
    },
}
INTERESTS = {"声音": ["音乐", "数码"], "茶": ["喝茶", "茶具"], "徒步": ["徒步", "露营"], "亲子": ["亲子", "积木"],
             "trail running": ["trail running", "hiking"], "home": ["home office", "interiors"], "clothes": ["office wear"]}
NAMES = {"zh": ["早起的鸟", "爱喝茶的猫", "山里来信", "慢半拍", "小熊软糖", "一碗面", "听雨", "柚子", "阿岚", "半日闲"],
         "en": ["tea-and-trails", "northbound", "quiet-desk", "long-run-sunday", "oak-and-linen", "paper-boat"]}
CITIES = {"zh": ["杭州", "成都", "西安", "广州", ""], "en": ["Leeds", "Austin", "Halifax", ""]}
LEVELS = {"zh": ["银卡", "金卡", ""], "en": ["Silver", "Gold", ""]}
REVIEWS = {
    "jinggu-q2": [("降噪很好，地铁上终于能听清了", 5), ("戴久了耳朵有点疼，希望再轻一点", 3)],
    "jinggu-n1": [("续航长，一周充一次", 5), ("头梁有点紧", 3)],
    "shanxu-zhengshan": [("香气很好，包装也仔细", 5), ("味道偏淡", 3)],
    "shanxu-moli": [("茉莉香清楚，不涩", 5), ("纸盒压坏了一个角", 3)],
    "sutao-gaiwan": [("手感细腻，不烫手", 5), ("比想象的小", 3)],
    "lanye-shell": [("雨里走了三小时没有湿", 5), ("袖口有点长", 4)],
    "lanye-pack": [("背着不闷", 5), ("拉链不太顺", 3)],
    "xiaoman-blocks": [("边角光滑，孩子很喜欢", 5), ("数量刚好，就是袋子小了", 4)],
    "fernway-trail-3": [("Great grip on wet stone and true to size.", 5), ("The laces are too short.", 3)],
    "fernway-vest": [("It does not bounce at all.", 5), ("The flasks are not included.", 3)],
    "lumen-desk-lamp": [("Lovely light and a solid base.", 5), ("The cable is shorter than I need.", 3)],
    "lumen-floor-lamp": [("The shade looks better than in the picture.", 5), ("Delivery took two weeks.", 2)],
    "harborline-oxford": [("The cotton is soft from the first day.", 5), ("Sleeves run long.", 3)],
    "harborline-chino": [("Comfortable and well made.", 5), ("The colour faded a little.", 3)],
}
PAST = [
    ("jinggu-q2", "zh", "promotion", "push", "静谷 Q2 降噪耳机，通勤路上也安静，现在399元。", 1200, 96, 14),
    ("jinggu-q2", "zh", "promotion", "push", "耳机到货，点开看看。", 1200, 41, 3),
    ("shanxu-moli", "zh", "recommendation", "push", "新到的山序 茉莉绿茶 150g，泡一杯看看。", 900, 63, 9),
    ("lanye-shell", "zh", "recommendation", "sms", "雨天出门，岚野 轻量冲锋衣收进口袋就走。", 700, 38, 5),
    ("fernway-trail-3", "en", "recommendation", "email", "Fernway Trail 3 Running Shoes: 4 mm lugs for wet paths.", 800, 71, 8),
    ("lumen-desk-lamp", "en", "promotion", "email", "The Lumen Field Desk Lamp is $45 instead of $52 this week.", 800, 66, 11),
]


def main():
    chance = random.Random(SEED)
    products = {row["id"]: row for row in csv.DictReader(open(HERE / "products.csv", encoding="utf-8"))}
    customers, events, reviews = [], [], []
    for number in range(1, 61):
        language = "zh" if number <= 40 else "en"
        user = f"c{number:03}"
        tastes = chance.sample(sorted(TASTES[language]), 1 if chance.random() < 0.6 else 2)
        stated = [chance.choice(INTERESTS[taste]) for taste in tastes] if chance.random() < 0.7 else []
        customers.append({
            "id": user, "language": language, "name": chance.choice(NAMES[language]) if chance.random() < 0.6 else "",
            "city": chance.choice(CITIES[language]), "interests": ";".join(stated),
            "member_level": chance.choice(LEVELS[language]),
            "personalised": "no" if number % 17 == 0 else "", "push_consent": "no" if number % 23 == 0 else "yes",
        })
        if number % 19 == 0:
            continue  # nobody knows anything of them: a cold start
        last = NOW - DAY - int(chance.expovariate(1 / 25)) * DAY
        for _ in range(chance.randint(3, 14)):
            own = [item for taste in tastes for item in TASTES[language][taste]]
            every = [item for items in TASTES[language].values() for item in items]
            item = chance.choice(own if chance.random() < 0.85 else every)
            time = last - int(chance.expovariate(1 / 30) * DAY)
            events.append((user, item, "pv", time))
            if chance.random() < 0.25:
                events.append((user, item, "fav", time + 60))
            if chance.random() < 0.3:
                events.append((user, item, "cart", time + 120))
                if chance.random() < 0.6:
                    events.append((user, item, "buy", time + 600))
                    if chance.random() < 0.5:
                        text, rating = chance.choice(REVIEWS[item])
                        reviews.append({"user": user, "product": item, "text": text, "rating": rating,
                                        "time": min(time + 8 * DAY, NOW - DAY)})
    with open(HERE / "customers.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(customers[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(customers)
    with open(HERE / "events.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["用户ID", "商品ID", "商品名称", "商品类别", "行为类型", "时间戳", "售价"])
        for user, item, behaviour, time in sorted(set(events), key=lambda event: event[3]):
            product = products[item]
            writer.writerow([user, item, product["title"], product["category"], behaviour, time, product["price"]])
    with open(HERE / "reviews.jsonl", "w", encoding="utf-8") as file:
        for review in reviews:
            file.write(json.dumps(review, ensure_ascii=False) + "\n")
    with open(HERE / "past_copy.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["product", "language", "scene", "channel", "text", "sent", "clicked", "converted"])
        writer.writerows(PAST)


if __name__ == "__main__":
    main()
