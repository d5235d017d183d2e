from harness.paths import BACKEND
from harness.peer import CLEARTEXT, Peer


class Direct(Peer):
    """No proxy: the load generator talks to the backend, which runs where a proxy would."""

    name = "direct"
    kinds = (CLEARTEXT,)
    program = str(BACKEND)
    is_floor = True

    def version(self):
        return "tools/backend.c"

    def command(self, job):
        return job.backend_command(job.listen_port)
