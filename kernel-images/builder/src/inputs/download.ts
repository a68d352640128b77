import { createWriteStream } from 'node:fs';
import { setGlobalProxyFromEnv } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { retry } from '@clean-room/node-support';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { DOWNLOAD_RETRY, inputMissing, isTransientError } from './errors.js';

/** A transfer without any data for this time is aborted. */
const STALLED_AFTER_MS = 60_000;
let proxyIsSet = false;

/** Uses the proxies configured in the environment, as other command line tools do. */
function useProxyOfEnvironment(): void {
  if (proxyIsSet) return;
  setGlobalProxyFromEnv();
  proxyIsSet = true;
}

/** Passes the chunks of a body on, and aborts the transfer if it stalls. */
async function* abortIfStalled(
  body: AsyncIterable<Uint8Array>,
  stop: AbortController
): AsyncGenerator<Uint8Array> {
  const timer = setTimeout(() => {
    stop.abort();
  }, STALLED_AFTER_MS);
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
 * Downloads a file, and retries if the connection breaks.
 *
 * @param path - the path to write to
 * @param title - the name of the file for people
 * @throws CleanRoomError `not-found` if the server does not have the file, `unavailable` if the server cannot be reached
 */
export async function downloadInput(address: URL, path: string, title: string): Promise<void> {
  useProxyOfEnvironment();
  const download = async (): Promise<void> => {
    const stop = new AbortController();
    try {
      const response = await fetch(address, { signal: stop.signal });
      if (response.status === 404 || response.status === 410) throw inputMissing(title, address.host);
      if (!response.ok || response.body === null)
        throw new Error(`the server answered ${String(response.status)}`);
      await pipeline(abortIfStalled(Readable.fromWeb(response.body), stop), createWriteStream(path));
    } catch (cause) {
      if (cause instanceof CleanRoomError) throw cause;
      throw new CleanRoomError('unavailable', `${title} could not be downloaded from ${address.host}.`, {
        cause,
        remedy: 'Check the network and try again. Files that were downloaded completely are kept.'
      });
    }
  };
  await retry(DOWNLOAD_RETRY, download, { isTransient: isTransientError });
}
