"""The directors' own channel: who else is there, what they say, what they were told, and handing over by name.

**What it defends against.** Somebody on the path who sees, keeps, drops, delays, doubles, reorders and makes packets, but
has no key. He can cut the channel; he cannot speak on it. Every datagram carries an HMAC-SHA256 over all of it and over
both addresses (`packet`), so it cannot be made, changed or carried to another link. A session is the pair of two random
nonces, one of each side, and counters run within it (`session`), so nothing of this or of a former session is taken
twice, across any restarts and without a clock. What was held back is refused after twice the dead time: a beat must
answer what we sent lately. What is unproven changes nothing but may cast doubt (`liveness`: unknown instead of down).
Not defended: secrecy (nothing secret travels), a director that has the key and lies.

**Changing the key.** The key file holds one key a line; the first sends, all are taken. (1) Add the new key as the
second line on every director and reload each. (2) Move it to the top on every director and reload each. (3) Remove the
old line everywhere and reload. At every moment each director takes what the others send, and no session is disturbed.

**What it decides.** Nothing about who is master: that are VRRP's adverts. It tells that a peer is up, down or unknown,
carries words that shorten a wait, and lets a handover happen without a gap.

`spec`, `keys`, `packet`, `session`, `liveness`, `latest`, `standing`, `handover`, `exchange` decide, `links` and
`channel` do.
"""
