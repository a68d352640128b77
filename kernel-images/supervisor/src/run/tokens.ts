import { randomBytes } from 'node:crypto';
import { RUN_AUDIENCE } from '@clean-room/protocol/runs';
import type { LauncherClient, TokenOptions } from '../launcher/launcher.js';
import type { TokenClock } from '../time/clock.js';
import { readOwnToken, type OwnToken } from '../trust/own-token.js';

/** A token with this audience tells the supervisor itself the time and its image; it is never shown to anyone. */
const OWN_AUDIENCE = 'clean-room:supervisor:v1';

async function order(
  launcher: LauncherClient,
  clock: TokenClock,
  wanted: TokenOptions,
  signal?: AbortSignal
): Promise<OwnToken> {
  const token = readOwnToken(await launcher.token(wanted, signal), wanted);
  clock.observe(token.issuedAt);
  return token;
}

/** A fresh token about this machine; sets the clock. */
export function ownToken(
  launcher: LauncherClient,
  clock: TokenClock,
  signal?: AbortSignal
): Promise<OwnToken> {
  const nonce = randomBytes(32).toString('base64url');
  return order(launcher, clock, { audience: OWN_AUDIENCE, nonce }, signal);
}

/** The token that vouches for a run statement. */
export async function runToken(
  launcher: LauncherClient,
  clock: TokenClock,
  nonce: string,
  signal?: AbortSignal
): Promise<string> {
  return (await order(launcher, clock, { audience: RUN_AUDIENCE, nonce }, signal)).token;
}
