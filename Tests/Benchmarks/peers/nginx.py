from harness.peer import CLEARTEXT, HTTP1, TLS, Peer, version_of

GRPC_LOCATION = "location / { grpc_pass grpc://backend; grpc_read_timeout 600s; grpc_send_timeout 600s; }"
# Larger buffers than the default (8 of 4k), and none of them in files: they make large bodies cheaper, and small ones no dearer.
HTTP1_LOCATION = """location / {
      proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffer_size 32k; proxy_buffers 8 32k; proxy_max_temp_file_size 0;
    }"""


class Nginx(Peer):
    name = "nginx"
    kinds = (CLEARTEXT, TLS, HTTP1)
    program = "nginx"

    def version(self):
        return "nginx " + version_of("nginx", "-v")

    def command(self, job):
        tls = f"""ssl_certificate {job.fixtures.certificate}; ssl_certificate_key {job.fixtures.private_key};
    ssl_protocols TLSv1.3;""" if job.tls else ""
        (job.folder / "nginx.conf").write_text(f"""
daemon off;
user root;
pid nginx.pid;
worker_processes {job.workers};
error_log error.log;
events {{ worker_connections 16384; }}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  keepalive_timeout 600s;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  client_body_timeout 600s;
  # The defaults (4k, 8k) cost five times the CPU on large messages; small ones do not care.
  grpc_buffer_size 32k;
  http2_chunk_size 16k;
  upstream backend {{
    server 127.0.0.1:{job.backend_port};
    keepalive 1024;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
  }}
  server {{
    listen 127.0.0.1:{job.listen_port} {"" if job.kind == HTTP1 else "http2"} {"ssl" if job.tls else ""} backlog=4096;
    {tls}
    {HTTP1_LOCATION if job.kind == HTTP1 else GRPC_LOCATION}
  }}
}}
""")
        return ["nginx", "-p", job.folder, "-c", "nginx.conf", "-e", "error.log"]
