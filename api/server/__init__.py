"""``oncalm serve``: questions, investigations, approvals and records over HTTP, for programs and for the page."""
