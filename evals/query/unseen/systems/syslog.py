"""Two gateways over a day and a half (year-less syslog): an address pool runs dry, a database is killed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet, later

START, END = "2000-11-10 00:00", "2000-11-11 14:30"
TODAY, YESTERDAY = "2000-11-11", "2000-11-10"
PEOPLE = ("alice", "bob", "carol", "deploy", "dmitri")
JOBS = (("root", "/usr/local/sbin/rotate-leases.sh"), ("www-data", "php -f /srv/cloud/cron.php"),
        ("munin", "/usr/bin/munin-cron"), ("backup", "/opt/backup/nightly.sh --incremental"))
COMMANDS = ("/usr/bin/systemctl restart nginx", "/usr/bin/tail -f /var/log/messages", "/usr/bin/apt-get update",
            "/sbin/ip route", "/usr/bin/vim /etc/dhcp/dhcpd.conf")
PIDLESS = {"kernel"}


def _form(draft: Draft) -> str:
    day = f"{draft.time:%b} {draft.time.day:2d} {draft.time:%H:%M:%S}"
    pid = "" if draft.service in PIDLESS else f"[{draft.values['pid']}]"
    return f"{day} {draft.host} {draft.service}{pid}: {draft.message}"


def _add(sheet: Sheet, time: datetime, kind: str, service: str, message: str, host: str = "", **values: Any) -> None:
    sheet.add(time, kind, message, service=service, host=host or sheet.pick(("gw01", "gw02"), (7, 3)),
              pid=sheet.rng.randint(400, 32000), **values)


def _cron(sheet: Sheet) -> None:
    for time in sheet.times(START, END, 22):
        user, command = sheet.pick(JOBS)
        _add(sheet, time, "cron", "CRON", f"({user}) CMD ({command})", user=user, command=command)


def _sudo(sheet: Sheet) -> None:
    for number, time in enumerate(sheet.times(START, END, 8)):
        user, tty = sheet.pick(PEOPLE), f"pts/{sheet.rng.randint(0, 4)}"
        if number % 6 == 5:
            _add(sheet, time, "sudo_bad", "sudo", f"pam_unix(sudo:auth): authentication failure; logname={user} uid=1003 "
                 f"euid=0 tty=/dev/{tty} ruser={user} rhost=  user={user}", user=user)
            continue
        command = sheet.pick(COMMANDS)
        _add(sheet, time, "sudo", "sudo", f"   {user} : TTY={tty} ; PWD=/home/{user} ; USER=root ; COMMAND={command}",
             user=user, command=command)


def _dhcp(sheet: Sheet) -> None:
    macs = [":".join(sheet.hexes(2) for _ in range(6)) for _ in range(40)]
    for time in sheet.times(START, END, 30):
        number = sheet.rng.randrange(40)
        mac, ip, name = macs[number], f"192.168.7.{20 + number}", f"{sheet.pick(('laptop', 'printer', 'phone'))}-{number}"
        _add(sheet, time, "discover", "dhcpd", f"DHCPDISCOVER from {mac} ({name}) via eth1", "gw01", mac=mac)
        _add(sheet, later(time, 1), "ack", "dhcpd", f"DHCPACK on {ip} to {mac} ({name}) via eth1", "gw01", mac=mac, ip=ip)
    for time in sheet.times(f"{TODAY} 10:12", f"{TODAY} 10:41", 420):
        mac = sheet.pick(macs)
        _add(sheet, time, "no_lease", "dhcpd", f"DHCPDISCOVER from {mac} via eth1: network 192.168.7.0/24: no free leases",
             "gw01", mac=mac)


def _kernel(sheet: Sheet) -> None:
    for number, time in enumerate(sheet.times(START, END, 0.5)):
        victim, kb = sheet.pick(("mysqld", "java", "node")), int(sheet.skewed(2_400_000, 0.5))
        _add(sheet, time, "oom", "kernel", f"Out of memory: Killed process {3000 + number * 17} ({victim}) "
             f"total-vm:{kb * 2}kB, anon-rss:{kb}kB, file-rss:0kB", victim=victim, rss=kb)
    for time in sheet.times(START, END, 0.7):
        port = sheet.pick(("eth1", "eth0"))
        _add(sheet, time, "down", "kernel", f"e1000e: {port} NIC Link is Down", "gw02", port=port)
        _add(sheet, later(time, sheet.rng.randint(2, 40)), "up", "kernel",
             f"e1000e: {port} NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx", "gw02", port=port)


def _rest(sheet: Sheet) -> None:
    for number, time in enumerate(sheet.times(START, END, 9)):
        user = sheet.pick(PEOPLE)
        _add(sheet, time, "session", "systemd", f"Started Session {300 + number} of user {user}.", user=user)
    for time in sheet.times(START, END, 4):
        disk = sheet.pick(("/dev/sda", "/dev/sdb", "/dev/sdc"))
        now = sheet.rng.randint(34, {"/dev/sda": 63, "/dev/sdb": 57, "/dev/sdc": 52}[disk])
        _add(sheet, time, "smart", "smartd", f"Device: {disk} [SAT], SMART Usage Attribute: 194 Temperature_Celsius changed "
             f"from {now - 1} to {now}", disk=disk, celsius=now)
    for time in sheet.times(START, END, 3):
        wrong = round(sheet.skewed(0.08), 6)
        _add(sheet, time, "clock", "chronyd", f"System clock wrong by {wrong:.6f} seconds", wrong=wrong)


def build() -> Pile:
    """The records."""
    sheet = Sheet(1011, _form, "messages")
    for part in (_cron, _sudo, _dhcp, _kernel, _rest):
        part(sheet)
    silent = sheet.drafts
    sheet.drafts = [each for each in silent if not f"{TODAY} 04:11:" <= f"{each.time:%Y-%m-%d %H:%M:%S}" < f"{TODAY} 04:47:"]
    return sheet.pile()


def _mac(pile: Pile) -> str:
    return pile.kind("ack").counter("mac").most_common()[-1][0]


PLACES: dict[str, Callable[[Pile], str]] = {"mac": _mac}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "leases": lambda p: w.count(p.kind("no_lease")),
    "oom": lambda p: w.count(p.kind("oom")),
    "sudo_alice": lambda p: w.count(p.kind("sudo").at(user="alice"), p.at(service="sudo", user="alice")),
    "sudo_bad_yesterday": lambda p: w.count(p.kind("sudo_bad").span(YESTERDAY, TODAY)),
    "no_lease_window": lambda p: w.count(p.kind("no_lease").span(f"{TODAY} 10:15", f"{TODAY} 10:30")),
    "cron_last_two": lambda p: w.count(p.kind("cron").final(hours=2)),
    "link_evening": lambda p: w.either(*(w.count(p.kind("down").span(f"{YESTERDAY} {a}", end))
                                         for a in ("17:00", "18:00") for end in (f"{YESTERDAY} 22:00", TODAY))),
    "macs": lambda p: w.distinct(p.kind("no_lease"), "mac"),
    "killed": lambda p: w.most(p.kind("oom"), "victim"),
    "noisy": lambda p: w.top(p, "service", 3),
    "hosts": lambda p: w.groups(p, "host"),
    "commands": lambda p: w.top(p.kind("sudo"), "command", 3),
    "sudo_share": lambda p: w.share(p.kind("sudo_bad"), p.at(service="sudo")),
    "hottest": lambda p: w.either(w.stat(p.kind("smart"), "celsius", "max"), w.extremes(p.kind("smart"), "celsius", 1)),
    "clock_mean": lambda p: w.stat(p.kind("clock"), "wrong", "mean"),
    "rss_max": lambda p: w.either(w.stat(p.kind("oom"), "rss", "max"), w.stat(p.kind("oom"), "rss", "max", per=1 / 1024)),
    "temp_by_disk": lambda p: w.grouped(p.kind("smart"), "celsius", "disk", "max"),
    "first_lease": lambda p: w.first(p.kind("no_lease")),
    "last_down": lambda p: w.last(p.kind("down")),
    "lease_minutes": lambda p: w.peak(p.kind("no_lease"), 60),
    "silence": w.gap,
    "new_since_ten": lambda p: w.patterns(no_free_leases={"before": 0, "after": len(p.kind("no_lease"))}),
    "mac_lines": lambda p: w.seen(p.at(mac=_mac(p))),
    "any_oom": lambda p: w.yes(p.kind("oom").at(victim="mysqld")),
    "not_root": lambda p: w.count(p.kind("cron").lacks(user="root")),
    "hot": lambda p: w.count(p.kind("smart").over("celsius", 60)),
    "clock_over": lambda p: w.count(p.kind("clock").over("wrong", 0.2)),
    "then_bob": lambda p: w.count(p.kind("session").at(user="bob")),
    "then_yesterday": lambda p: w.count(p.kind("no_lease").span(YESTERDAY, TODAY)) if len(
        p.kind("no_lease").span(YESTERDAY, TODAY)) else w.no(),
    "nobody": lambda _: w.no(),
    "reboot": lambda _: w.refused(),
    "weather": lambda _: w.refused(),
}
