"""OK's upload protocol as a pure machine: no input or output, no clock, no chance.

`ranges` which bytes · `messages` what we ask and what comes back · `plan` how to cut · `session` the
state machine · `wire` messages to HTTP and back · `signing` the REST signature · `verdicts` what an API
error asks of us · `api_answers` what the API said · `fields` HTTP header fields · `redaction` foreign words
made fit to be shown · `retry` how long to wait.
"""
