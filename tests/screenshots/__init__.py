"""Pictures of the page, `hactl top` and the report for the documentation, from a real cluster: `make screenshots`.

The cluster lives in the lab, which may be a guest without a browser. So what its daemons said is recorded there (`story`)
and shown here, by the program's own page, screen and report, to a real Chromium (`pictures`).
"""
