import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import { Launcher, runNotebook, SECRETS, shown } from '../support/container.js';
import { PROFILES } from '../support/emulation.js';
import { NATIVE } from './native.js';

/** Opens TCP, UDP and Unix sockets in the host network, which the container shares, and counts what reaches them. */
async function listenOnHost() {
  let reached = 0;
  const abstract = `clean-room-attack-${randomUUID()}`;
  const count = (): void => {
    reached++;
  };
  const accept = (socket: Socket): void => {
    count();
    socket.destroy();
  };
  const [tcp, unix] = [createServer(accept), createServer(accept)];
  const udp = createSocket('udp4').on('message', count);
  await new Promise<void>(resolve => tcp.listen(0, '127.0.0.1', resolve));
  await new Promise<void>(resolve => unix.listen(`\0${abstract}`, resolve));
  await new Promise<void>(resolve => udp.bind(0, '127.0.0.1', resolve));
  const address = tcp.address();
  if (address === null || typeof address === 'string') throw new Error('The TCP server has no port.');
  return {
    abstract,
    port: address.port,
    udpPort: udp.address().port,
    reached: () => reached,
    close: () => {
      tcp.close();
      unix.close();
      udp.close();
    }
  };
}

describe.each(PROFILES)('a notebook in %s that tries to use the network', profile => {
  it('cannot reach the launcher or its token', async () => {
    const launcher = await Launcher.open();
    const run = await runNotebook(profile, {
      launcher,
      cells: [
        `${NATIVE}
def stream(path):
    fd = kernel(41, 1, 1, 0)
    kernel(42, fd, unix(path + b"\\0"), len(path) + 3)
    os.write(fd, b"POST /v1/token HTTP/1.0\\r\\n\\r\\n")
    return os.read(fd, 1000)
def through_pair(path):
    ours, _ = socket.socketpair()
    kernel(42, ours.fileno(), unix(path + b"\\0"), len(path) + 3)
    return ours.recv(1000)
for way in ("/", "/" + "../" * 20, "", "../" * 20):
    folder = way + "run/container_launcher"
    socket_path = f"{folder}/teeserver.sock".encode()
    attempt(f"socket {way}", lambda: stream(socket_path))
    attempt(f"pair {way}", lambda: through_pair(socket_path))
    attempt(f"token {way}", lambda: open(f"{folder}/attestation_verifier_claims_token").read())
    attempt(f"list {way}", lambda: os.listdir(folder))
folder = "run/container_launcher"
attempt("socket held", lambda: from_held_folder(lambda: stream(f"{folder}/teeserver.sock".encode())))
attempt("pair held", lambda: from_held_folder(lambda: through_pair(f"{folder}/teeserver.sock".encode())))
attempt("token held", lambda: from_held_folder(lambda: open(f"{folder}/attestation_verifier_claims_token").read()))
attempt("list held", lambda: from_held_folder(lambda: os.listdir(folder)))`
      ]
    });
    const text = shown(run);
    await launcher.close();
    expect(text).not.toContain('SUCCEEDED');
    expect(text).not.toContain(SECRETS.token);
    expect(text.match(/refused/g)).toHaveLength(5 * 4);
    expect(launcher.connections).toBe(0);
  });

  it('cannot reach anything over TCP, UDP, Unix or abstract sockets', async () => {
    const host = await listenOnHost();
    const run = await runNotebook(profile, {
      cells: [
        `${NATIVE}
def tcp(host, port):
    fd = kernel(41, 2, 1, 0)
    kernel(42, fd, inet(host, port), 16)
    return "connected"
def datagram(host, port):
    fd = kernel(41, 2, 2, 0)
    return kernel(44, fd, b"x", 1, 0, inet(host, port), 16)
name = b"\\0" + b"${host.abstract}"
def abstract():
    fd = kernel(41, 1, 1, 0)
    return kernel(42, fd, unix(name), len(name) + 2)
def abstract_through_pair():
    ours, _ = socket.socketpair()
    return kernel(42, ours.fileno(), unix(name), len(name) + 2)
def datagram_pair(type):
    ends = (ctypes.c_int * 2)()
    kernel(53, 1, type, 0, ends)
    return kernel(44, ends[0], b"x", 1, 0, unix(name), len(name) + 2)
attempt("tcp", lambda: tcp("127.0.0.1", ${host.port}))
attempt("udp", lambda: datagram("127.0.0.1", ${host.udpPort}))
for resolver in ("127.0.0.1", "127.0.0.53", "169.254.169.254", "8.8.8.8"):
    attempt(f"name server {resolver}", lambda: datagram(resolver, 53))
attempt("abstract", abstract)
attempt("abstract through a pair", abstract_through_pair)
attempt("datagram pair", lambda: datagram_pair(2))
attempt("sequenced pair", lambda: datagram_pair(5))
attempt("metadata", lambda: tcp("169.254.169.254", 80))
attempt("ring", lambda: kernel(425, 8, ctypes.create_string_buffer(200)))
for family in (1, 2, 10, 16, 17, 38, 40, 43, 44):
    attempt(f"family {family}", lambda: kernel(41, family, 1, 0))
    attempt(f"family {family} raw", lambda: kernel(41, family, 3, 0))`,
        `import socket, urllib.request
for step in (lambda: socket.getaddrinfo("metadata.google.internal", 80), lambda: socket.gethostbyname("localhost"),
             lambda: urllib.request.urlopen("http://169.254.169.254/computeMetadata/v1/", timeout=5),
             lambda: socket.create_connection(("127.0.0.1", ${host.port}))):
    try:
        print("SUCCEEDED", step())
    except OSError as error:
        print("refused", error)`
      ]
    });
    const text = shown(run);
    const reached = host.reached();
    host.close();
    expect(text).not.toContain('SUCCEEDED');
    expect(text.match(/refused/g)).toHaveLength(8 + 4 + 18 + 4);
    expect(text).toContain('has no network access');
    expect(reached).toBe(0);
  });

  it('cannot send descriptors to a process or receive them', async () => {
    const run = await runNotebook(profile, {
      cells: [
        `${NATIVE}
ours, theirs = socket.socketpair()
attempt("send", lambda: socket.send_fds(ours, [b"x"], [1]))
attempt("receive", lambda: socket.recv_fds(theirs, 1, 1))
attempt("frames", lambda: socket.send_fds(socket.socket(fileno=os.dup(4)), [b"x"], [0]))
attempt("steal", lambda: kernel(438, kernel(434, os.getppid(), 0), 5, 0))`
      ]
    });
    expect(shown(run).match(/refused PermissionError/g)).toHaveLength(4);
  });
});
