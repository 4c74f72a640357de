"""The sending process with PagerDuty at a local port, given as its argument."""

import sys

from apprise.plugins import pagerduty

from agent.notifying.sending import main

pagerduty.PAGERDUTY_API_LOOKUP.update(dict.fromkeys(pagerduty.PAGERDUTY_API_LOOKUP, f"http://127.0.0.1:{sys.argv[1]}/"))
main()
