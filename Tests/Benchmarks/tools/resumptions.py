"""Opens TLS 1.3 connections to 127.0.0.1:PORT one after the other, each resuming the one before, with a request on each.

    resumptions.py PORT SECONDS

Prints how many of them were resumed.
"""

import sys
import time

from tls_client import client_context, open_connection

context, session, resumed = client_context(), None, 0
deadline = time.monotonic() + float(sys.argv[2])
while time.monotonic() < deadline:
    connection = open_connection(context, int(sys.argv[1]), session)
    if session:
        if not connection.session_reused:
            raise SystemExit("a session was not resumed")
        resumed += 1
    session = connection.session
    connection.close()
print(resumed)
