"""A lean stand-in for OK.ru that takes bytes and throws them away, so that it is never what is measured.

    streams    a connection's bytes: plain, or out of TLS; bodies are dropped unseen
    videos     what was taken of which video, and when
    desk       a request's answer: the upload protocol, and as much of the API as an upload needs
    server     a thread for each connection; the process `python -m bench.sink`

The emulator is the true stand-in; this one speaks as it does where an upload goes well (a test holds that),
keeps no byte, checks no signature and knows no faults.
"""
