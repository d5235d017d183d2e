from harness.peer import CLEARTEXT, TLS, Peer, version_of


class Caddy(Peer):
    name = "caddy"
    kinds = (CLEARTEXT, TLS)
    program = "caddy"

    def version(self):
        return "Caddy " + version_of("caddy", "version")

    def command(self, job):
        tls = f"""tls {job.fixtures.certificate} {job.fixtures.private_key} {{
    protocols tls1.3
  }}""" if job.tls else ""
        (job.folder / "Caddyfile").write_text(f"""
{{
  admin off
  auto_https off
  log {{
    output discard
  }}
  servers {{
    protocols h1 {"h2" if job.tls else "h2c"}
  }}
}}
{job.scheme}://:{job.listen_port} {{
  bind 127.0.0.1
  {tls}
  reverse_proxy h2c://127.0.0.1:{job.backend_port}
}}
""")
        self.environment = {"GOMAXPROCS": str(job.workers), "HOME": str(job.folder),
                            "XDG_DATA_HOME": str(job.folder), "XDG_CONFIG_HOME": str(job.folder)}
        return ["caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"]
