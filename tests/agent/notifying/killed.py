"""A process that keeps notices and sends them until it is killed: path of the outbox, port."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from agent.notifying.delivering import Notifier, Retries
from agent.notifying.notice import Channel, notice
from agent.notifying.outbox import Outbox

notifier = Notifier(Outbox(Path(sys.argv[1]), lambda: datetime.now(UTC)), [Channel("hook", f"json://127.0.0.1:{sys.argv[2]}/")], retries=Retries(timeout=1))
for number in range(3):
    notifier.notify(notice(f"A{number}", "executed", "done", f"message {number}"))
notifier.start()
print("kept", flush=True)  # noqa: T201
time.sleep(60)
