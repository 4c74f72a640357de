"""``oncalm demo``: the recorded incident, asked about, explained, and acted upon in a cluster that is simulated and says so."""
