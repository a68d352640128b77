import { createWriteStream } from 'node:fs';
import { setGlobalProxyFromEnv } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { retry, type RetryOptions } from './retry.js';
import { vanished } from './vanished.js';

const STALLED_AFTER_MS = 60_000;
let proxyIsSet = false;

/** Proxies come from the person's environment, as for other command line tools. */
function useProxyOfEnvironment(): void {
  if (proxyIsSet) return;
  setGlobalProxyFromEnv();
  proxyIsSet = true;
}

/** Ends a transfer that has brought nothing for a while. */
async function* watched(body: AsyncIterable<Uint8Array>, stop: AbortController): AsyncGenerator<Uint8Array> {
  const timer = setTimeout(() => stop.abort(), STALLED_AFTER_MS);
  try {
    for await (const chunk of body) {
      timer.refresh();
      yield chunk;
    }
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Downloads to a file, again and again if the connection breaks.
 * @param title what people know the file by
 * @throws CleanRoomError `not-found` if the server does not have it, `unavailable` if it can't be reached
 */
export async function downloadInput(
  address: URL,
  path: string,
  title: string,
  options: RetryOptions = {}
): Promise<void> {
  useProxyOfEnvironment();
  await retry(async () => {
    const stop = new AbortController();
    try {
      const response = await fetch(address, { signal: stop.signal });
      if (response.status === 404 || response.status === 410) throw vanished(title, address.host);
      if (!response.ok || response.body === null) throw new Error(`the answer was ${response.status}`);
      await pipeline(watched(Readable.fromWeb(response.body), stop), createWriteStream(path));
    } catch (cause) {
      if (cause instanceof CleanRoomError) throw cause;
      throw new CleanRoomError('unavailable', `${title} could not be fetched from ${address.host}.`, {
        cause,
        remedy: 'Check the network and try again; what was fetched so far is kept.'
      });
    }
  }, options);
}
