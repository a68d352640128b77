import { execFileSync, spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { eventually } from './wait.js';

/** A running fake-gcs-server: an implementation of Cloud Storage that is independent of this project. */
export interface FakeGcsServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Returns whether fake-gcs-server is installed. `npm run test:storage` builds it. */
export function isFakeGcsServerInstalled(): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v fake-gcs-server']);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

/** Starts fake-gcs-server with an empty bucket. */
export async function startFakeGcsServer(bucket: string): Promise<FakeGcsServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const address = ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port), '-external-url', url];
  const child = spawn('fake-gcs-server', ['-backend', 'memory', '-log-level', 'error', ...address], {
    stdio: 'ignore'
  });
  const ended = new Promise<void>(resolve => child.on('close', () => resolve()));
  await eventually(async () => {
    const created = await fetch(`${url}/storage/v1/b?project=clean-room-test`, {
      method: 'POST',
      body: JSON.stringify({ name: bucket })
    }).catch(() => undefined);
    return created?.ok === true ? true : undefined;
  });
  return {
    url,
    async stop() {
      child.kill();
      await ended;
    }
  };
}
