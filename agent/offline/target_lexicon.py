"""Operations English: which words engineers use for one another when they ask about logs.

General on-call vocabulary, written once, for no product in particular. Words are matched by stem, so
one form of each is enough.
"""

from __future__ import annotations


def _entries(text: str) -> tuple[str, ...]:
    """One entry a line; a line that is indented further goes on with the entry before it."""
    joined = text.replace("\n      ", " ")
    return tuple(line.strip() for line in joined.splitlines() if line.strip())


SAME: tuple[str, ...] = _entries("""
    login logon signin logged authenticate authentication auth password credential
    user username account uname usr
    invalid illegal unknown unrecognized unrecognised bad malformed wrong incorrect nonexistent
    permission privilege authorization authorisation access
    admin administrator superuser
    fail failure failed unsuccessful unsuccessfully unable cannot couldn
    success successful successfully succeed succeeded accepted ok granted completed
    deny denied refuse refused reject rejected forbidden unauthorized unauthorised prohibited disallowed
    error err exception
    fatal critical crit severe emergency panic
    warn warning
    abort aborted cancel canceled cancelled interrupted
    skip skipped ignore ignored ignoring
    drop dropped discard discarded lost
    start started starting launch launched begin began boot booted initialise initialize init initiated
      spawned
    stop stopped stopping shutdown halt halted quit
    terminate terminated kill killed exit exited end ended
    restart restarted reboot rebooted respawn relaunch reload
    finish finished complete completed done
    pause paused suspend suspended
    resume resumed unpause
    connect connection
    close closed closing shut
    disconnect disconnected disconnection
    open opened opening establish established accepted accept
    timeout timedout expire expired expiration
    receive received receiving got arrive arrived incoming inbound
    send sent sending transmit transmitted outgoing outbound serve served
    transfer transferred transferring transmit transmission copy copied move moved migrate migrated
    request req query call
    reply response respond answer
    reset resets
    retry retried retries reattempt
    unreachable noroute unavailable offline
    listen listening bind bound
    create created creating make made allocate allocated creation
    delete deleted deleting remove removed removing destroy destroyed erase purge unlink deallocate
    add added adding insert inserted append register registered
    update updated updating modify modified change changed
    replicate replicated replication replica duplicate
    verify verified verification validate validated validation check checked checking
    read reading fetch fetched load loaded
    write writing wrote written save saved store stored persist
    allocate allocated allocation assign assigned
    detect detected found find discover discovered
    lock locked locking
    schedule scheduled scheduling
    install installed
    configure configuration config conf setting settings
    attach attached mount mounted
    detach detached unmount unmounted umount
    elect elected election leader
    sync synced synchronize synchronise synchronized synchronizing synchronization
    file path
    directory folder dir
    machine host node server
    memory mem ram
    cpu processor core
    disk drive volume storage
    network net nic
    database db
    service daemon
    job task
    thread worker
    certificate cert
    corrupt corrupted corruption damaged
    duration elapsed
    limit quota threshold
    attempt try tried
    instance vm guest
    without not no never
""")
"""Each entry holds words that stand for one another."""

RELATED: tuple[str, ...] = _entries("""
    login signin: session open; user authenticate; userauth
    logout logoff signout: session close; logged out; disconnected by user; closed user request
    crash crashed crashing: terminated signal; segmentation; segfault; sigsegv; core dump; dumped; panic;
      abort; fatal; killed; oops; exit signal; unexpectedly; uncaught; unhandled; died
    die died death dead: terminated; killed; exit; lost; down; panic
    oom outofmemory: out memory; killed process; heap space; cannot allocate memory; memory exhausted;
      memory limit exceeded; memory pressure; oom killer
    diskfull: space left device; no space; disk full; quota exceeded; filesystem full; disk usage
    slow slowness latency sluggish: timeout; timed out; took; exceeded; delay; delayed; lag; slow;
      stalled; blocked; elapsed; deadline; degraded; too long
    hang hung stuck frozen freeze deadlock: blocked; deadlock; not responding; stalled; hung; watchdog;
      waiting
    unreachable down outage: no route host; connection refused; network unreachable; timed out; not
      reachable; lost connection; unavailable; host down; not responding
    denied forbidden unauthorized: permission denied; access denied; not permitted; not allowed;
      authentication fail; client denied; operation permitted
    intrusion attack hack hacking bruteforce: break attempt; possible attempt; fail password; too many
      authentication fail; illegal user; invalid user
    overload overloaded saturation saturated busy: too many; queue full; rejected; limit exceeded;
      throttled; resource temporarily unavailable; busy
    error problem issue trouble wrong: error; fail; exception; fatal; unable; cannot; denied; refused;
      timeout; invalid; abort; panic; corrupt; could not; critical; severe; unreachable
    fail failed failure unsuccessful: error; problem; broken; broke; refused; denied; exception; lost; timeout;
      dropping; aborted; reset; unreachable; not connect
    timeout: timed out; time out; deadline exceeded; not respond; expired
    restart reboot: start; started; starting; restarting; boot; booting
    disconnect: connection closed; connection reset; connection lost; closed socket; broken pipe; hung up
    corrupt corruption: checksum; parity; crc; mismatch; ecc; bad block; uncorrectable; corrected
    hardware: ecc; parity; machine check; ddr; cache; temperature; fan; power; voltage
    overheat overheated hot temperature: temperature; thermal; critical threshold; fan
    leak leaking: out memory; too many open files; heap space; gc overhead
    dns resolve resolution: getaddrinfo; name not known; unknown host; nxdomain; could not resolve;
      gethostbyname; reverse mapping; servfail
    certificate tls ssl: certificate; handshake; x509; ssl; tls
    missing absent: not found; no such; does not exist; missing; cannot find; not exist
    full: space left; exhausted; quota; limit
    unresponsive: not responding; timed out; timeout; hung
    success successful: succeed; accepted; granted; completed; ok; done
    break-in breakin: break attempt
    function method routine: request; func; call
    evict evicted: evicted; eviction; preempted; memory pressure
    deploy deployment rollout release: deployed; rollout; upgraded; new version; release
    gc garbage: gc; pause; heap; full gc; garbage
""")
"""Words of a question: phrases of logs that tell of it. One way only, weaker than a synonym."""

IRREGULAR: tuple[str, ...] = _entries("""
    tak: took taken take taking
    send: sent
    writ: wrote written write writing
    lose: lost losing
    begin: began begun
    run: ran running
    go: went gone
    find: found
    make: made making
    break: broke broken
    shut: shut
    die: died dying dead
    bind: bound
    get: got getting
    throw: threw thrown
    say: said
    failure: failure failures
    build: built
    keep: kept
    hold: held
    left: left
    sleep: slept
    retry: retries retried
    try: tries tried
    deny: denied denies
    login: logged
    be: being
    byte: bytes
    status: status
    access: access
    process: process
    address: address
    series: series
    news: news
    use: used using use uses
    need: need
    speed: speed
    feed: feed
    seed: seed
    string: string
    during: during
    ping: ping
    thing: thing
    king: king
    ring: ring
    bring: bring
    red: red
    shed: shed
    sshd: sshd
    do: does did
    authenticat: authenticated
    exceed: exceed
    succeed: succeed
    proceed: proceed
    indeed: indeed
    embed: embed
    hundred: hundred
""")
"""Forms that the spelling rules would get wrong, after the form those rules give their kin."""

OUTCOMES = frozenset({"fail", "succeed", "success", "unsuccess"})
"""Stems of words that say how it ended: in every form alike, and never to be dropped from a question."""

NEGATIONS: frozenset[str] = frozenset("not no never without cannot unable non".split())

ERROR_SIGNS: frozenset[str] = frozenset("""
    problem error fail failure failed exception fatal critical panic abort aborted denied refused rejected timeout
    unable cannot invalid illegal corrupt corrupted unreachable severe disconnect drop kill crash crashed
    killed reset lost exceeded unavailable broken bad alert emergency traceback segfault oom uncorrectable
    unexpected violation expired
""".split())
"""Words that make a line tell of trouble when it states no level."""

PHRASES: tuple[tuple[str, str], ...] = (
    (r"\b(?:log(?:ged|ging)?|sign(?:ed|ing)?)[ -]?(?:in|on)(?:to|s)?\b", "login"),
    (r"\b(?:log(?:ged|ging)?|sign(?:ed|ing)?)[ -]?(?:out|off)s?\b", "logout"),
    (r"\bout[ -]of[ -]memory\b|\b(?:ran|run|running) out of (?:memory|ram)\b", "oom"),
    (r"\bdisks? (?:is |are |was |got )?full\b|\bfull disks?\b|\b(?:out of|no) (?:disk )?space\b", "diskfull"),
    (r"\bbrute[ -]?forc(?:e|ing)(?: attacks?)?\b", "failed password"),
    (r"\btim(?:ed|e|ing|es)[ -]?outs?\b", "timeout"),
    (r"\bshut(?:ting|s)?[ -]?down\b", "shutdown"),
    (r"\bstart(?:ed|ing|s)?[ -]?up\b", "start"),
    (r"\bpre[ -]auth(?:entication)?\b", "preauth"),
    (r"\bbreak[ -]?ins?\b", "break in"),
    (r"\bset up\b", "establish"),
    (r"\b(?:end(?:ed|ing|s)?|finish(?:ed|es)?|came? back|respond(?:ed|s)?|repl(?:y|ied|ies)|answer(?:ed|s)?|return(?:ed|s)?|result(?:ed|s)?)"
     r"(?: (?:in|with))?(?= (?:a |an |the )?(?:http|status|code|error code|exit code|rc)\b)", ""),
)
"""Question phrases rewritten to the one word the lexicon knows them by (regular expressions)."""
