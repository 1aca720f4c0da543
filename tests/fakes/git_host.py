# SPDX-License-Identifier: Apache-2.0
"""A host of git repositories behind https."""
import contextlib, http.server, os, ssl, subprocess, threading

import kit


class GitHost(http.server.BaseHTTPRequestHandler):
    """git's own server behind https."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        raw = b""
        while size := int(self.rfile.readline(), 16):
            raw += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return raw

    def serve(self):
        path, _, query = self.path.partition("?")
        body = self.body()
        self.server.asked.append((self.path, body))
        env = {"PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": self.server.root, "GIT_HTTP_EXPORT_ALL": "1",
               "GIT_CONFIG_GLOBAL": "/dev/null",
               "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command,
               "CONTENT_TYPE": self.headers.get("Content-Type") or "",
               "CONTENT_LENGTH": str(len(body)), "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding") or "",
               "GIT_PROTOCOL": self.headers.get("Git-Protocol") or "", "REMOTE_ADDR": "127.0.0.2"}
        head, _, answer = subprocess.run(["git", "http-backend"], input=body, env=env,
                                         capture_output=True).stdout.partition(b"\r\n\r\n")
        headers = [line.split(": ", 1) for line in head.decode().split("\r\n") if line]
        self.send_response(int(dict(headers).get("Status", "200").split()[0]))
        for name, value in headers:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = serve


@contextlib.contextmanager
def git_host(root):
    """Serves the folder's repositories as https://127.0.0.2/…, by a certificate that is yielded."""
    with kit.folder() as keys:
        key, cert = os.path.join(keys, "key"), os.path.join(keys, "cert")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=test",
                        "-addext", "subjectAltName=IP:127.0.0.2", "-keyout", key, "-out", cert], check=True,
                       capture_output=True)
        try:
            server = http.server.ThreadingHTTPServer(("127.0.0.2", 443), GitHost)
        except OSError as e:
            raise kit.Skip(f"port 443 of 127.0.0.2: {e}")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(cert, key)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.daemon_threads, server.root, server.asked = True, root, []
        server.handle_error = lambda *_: None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server, cert
        finally:
            server.shutdown()
            server.server_close()
