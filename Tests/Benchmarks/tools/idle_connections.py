"""Opens TLS HTTP/2 connections to 127.0.0.1:PORT, makes one gRPC-like request on each, keeps them open.

    idle_connections.py PORT COUNT...

For each COUNT (ascending): opens connections until there are so many, prints the number, waits for a line on stdin.
"""

import sys

from tls_client import client_context, open_connection

context, connections = client_context(), []
for count in map(int, sys.argv[2:]):
    while len(connections) < count:
        connections.append(open_connection(context, int(sys.argv[1])))
    print(count, flush=True)
    sys.stdin.readline()
