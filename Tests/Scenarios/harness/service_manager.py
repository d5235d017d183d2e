"""systemd, played by a socket of our own."""

import socket


class ServiceManager:
    """Hears what a process tells by NOTIFY_SOCKET."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + name[1:] if name.startswith("@") else name)
        self.socket.settimeout(20)

    def next(self):
        text = self.socket.recv(4096).decode()
        return dict(line.split("=", 1) for line in text.splitlines())

    def wait_for(self, key, begins=""):
        while not (message := self.next()).get(key, "\0").startswith(begins):
            pass
        return message
