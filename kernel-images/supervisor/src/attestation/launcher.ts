import { request } from 'node:http';
import type { RetryPolicy } from '@clean-room/node-support';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { TransientFailure, retryTransient } from '../network/retry.js';

/** Socket of Confidential Space's launcher (go-tpm-tools, launcher/teeserver and launcher/launcherfile). */
export const LAUNCHER_SOCKET = '/run/container_launcher/teeserver.sock';

const MAX_TOKEN_BYTES = 32_768;
const TIMEOUT_MS = 10_000;
/** The service has a quota of 5 tokens a second and a timeout of 1 s, so refusals are often temporary. */
const LAUNCHER_RETRY: RetryPolicy = { totalMs: 120_000, firstDelayMs: 250, longestDelayMs: 10_000 };

/** Claims that the requester of a token chooses. */
export interface TokenOptions {
  readonly audience: string;
  readonly nonce: string;
}

/** The attestation device, the only source of tokens about this machine and image. */
export interface LauncherClient {
  /** Requests a PKI token. It contains its certificates, so it stays verifiable after the service's keys change. */
  token(options: TokenOptions, signal?: AbortSignal): Promise<string>;
}

function requestOnce(socketPath: string, options: TokenOptions, signal: AbortSignal): Promise<string> {
  const body = JSON.stringify({ audience: options.audience, token_type: 'PKI', nonces: [options.nonce] });
  return new Promise((resolve, reject) => {
    const rejectTransient = (cause: unknown) =>
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
          if (length > MAX_TOKEN_BYTES) {
            call.destroy();
            reject(new CleanRoomError('attestation-refused', 'The launcher’s token is too long.'));
          } else chunks.push(chunk);
        });
        response.on('error', rejectTransient);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('latin1').trim());
          else if (response.statusCode === 400) {
            reject(new CleanRoomError('attestation-refused', 'The launcher refused to issue a token.'));
          } else rejectTransient(new Error(`status ${response.statusCode}`));
        });
      }
    );
    call.on('error', rejectTransient);
    call.end(body);
  });
}

/** Returns a client of the launcher that listens on a Unix socket. Tokens fail with `attestation-refused`. */
export function launcherAt(socketPath: string, policy: RetryPolicy = LAUNCHER_RETRY): LauncherClient {
  return {
    token: (options, signal) =>
      retryTransient(
        policy,
        () => {
          const timeout = AbortSignal.timeout(TIMEOUT_MS);
          const ends = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
          return requestOnce(socketPath, options, ends);
        },
        cause =>
          new CleanRoomError('attestation-refused', 'The launcher did not issue a token in time.', { cause }),
        signal
      )
  };
}
