from harness.peer import CLEARTEXT, TLS, Peer, version_of


class Nghttpx(Peer):
    name = "nghttpx"
    kinds = (CLEARTEXT, TLS)
    program = "nghttpx"

    def version(self):
        return "nghttpx " + version_of("nghttpx", "--version")

    def command(self, job):
        options = [
            "--conf=/dev/null", f"--frontend=127.0.0.1,{job.listen_port}{'' if job.tls else ';no-tls'}",
            f"--backend=127.0.0.1,{job.backend_port};;proto=h2", f"-n{job.workers}", "--no-ocsp", "--no-via",
            "--no-add-x-forwarded-proto", "--no-server-rewrite", "--frontend-http2-read-timeout=600s",
            # The 64 KiB default windows cost a fifth more CPU on large messages; small ones do not care.
            "--frontend-http2-window-size=1M", "--frontend-http2-connection-window-size=16M",
            "--backend-http2-window-size=1M", "--tls-min-proto-version=TLSv1.3", "--backlog=4096",
            "--errorlog-file=error.log"]
        if job.workers == 1:
            options.append("--single-thread")  # spares the hand-over from the accepting thread to the only worker
        files = [job.fixtures.private_key, job.fixtures.certificate] if job.tls else []
        return ["nghttpx", *options, *files]
