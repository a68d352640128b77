import { request } from 'node:http';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { TransientFailure, retry, type RetryPolicy } from '../network/retry.js';

/** Where Confidential Space's launcher listens (go-tpm-tools, launcher/teeserver and launcher/launcherfile). */
export const LAUNCHER_SOCKET = '/run/container_launcher/teeserver.sock';

const MAXIMUM_TOKEN = 32_768;
const TIMEOUT_MS = 10_000;
/** The service has a quota of 5 tokens a second and a timeout of 1 s: a refusal often passes. */
export const LAUNCHER_RETRY: RetryPolicy = { totalMs: 120_000, firstDelayMs: 250, longestDelayMs: 10_000 };

export interface TokenOptions {
  readonly audience: string;
  readonly nonce: string;
}

/** The attestation device: the one way to a token about this very machine and image. */
export interface LauncherClient {
  /** A PKI token (its certificates travel in it, so it outlives key rotation). */
  token(order: TokenOptions, signal?: AbortSignal): Promise<string>;
}

function ask(socketPath: string, order: TokenOptions, signal: AbortSignal): Promise<string> {
  const body = JSON.stringify({ audience: order.audience, token_type: 'PKI', nonces: [order.nonce] });
  return new Promise((resolve, reject) => {
    const passing = (cause: unknown) =>
      reject(new TransientFailure('The launcher did not answer.', { cause }));
    const call = request(
      {
        socketPath,
        path: '/v1/token',
        method: 'POST',
        signal,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
      },
      response => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > MAXIMUM_TOKEN) {
            call.destroy();
            reject(
              new CleanRoomError('attestation-refused', 'The launcher’s token is longer than any token.')
            );
          } else chunks.push(chunk);
        });
        response.on('error', passing);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('latin1').trim());
          else if (response.statusCode === 400) {
            reject(new CleanRoomError('attestation-refused', 'The launcher refused to make a token.'));
          } else passing(new Error(`status ${response.statusCode}`));
        });
      }
    );
    call.on('error', passing);
    call.end(body);
  });
}

/** @param patience how long to go on asking; the machine can't go on without tokens */
export function launcherAt(socketPath: string, patience: RetryPolicy = LAUNCHER_RETRY): LauncherClient {
  return {
    token: (order, signal) =>
      retry(
        patience,
        () => {
          const timeout = AbortSignal.timeout(TIMEOUT_MS);
          return ask(socketPath, order, signal === undefined ? timeout : AbortSignal.any([timeout, signal]));
        },
        cause => new CleanRoomError('attestation-refused', 'The launcher gave no token in time.', { cause }),
        signal
      )
  };
}
