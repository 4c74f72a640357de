"""The customers: about twelve requests a second, six of ten of them checkouts."""

from __future__ import annotations

import random
import threading
import time
import urllib.parse
import urllib.request

from samples.shop.http import PORTS
from samples.shop.inventory import SKUS

USERS = ["amara", "bela", "chidi", "dora", "emeka", "farah", "goran", "hana", "ivo", "jun", "kemal", "lena"]


def run(seconds: float, rate: float = 12) -> None:
    stop, threads = time.monotonic() + seconds, []
    while time.monotonic() < stop:
        client = f"10.20.{random.randint(0, 3)}.{random.randint(1, 60)}"
        threads.append(threading.Thread(target=_one, args=(client,)))
        threads[-1].start()
        time.sleep(random.expovariate(rate))
    for thread in threads:
        thread.join()


def _one(client: str) -> None:
    path = "/checkout" if random.random() < 0.6 else "/products"
    query = {"user": random.choice(USERS), "sku": random.choice(SKUS), "amount": f"{random.uniform(5, 90):.2f}"}
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORTS['edge']}{path}?{urllib.parse.urlencode(query)}",
        headers={"X-Client": client, "User-Agent": random.choice(["shop-ios/7.1", "shop-android/6.9", "Mozilla/5.0"])})
    try:
        urllib.request.urlopen(request, timeout=8).read()
    except OSError:
        pass
