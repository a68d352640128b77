import { randomBytes } from 'node:crypto';
import { Type } from 'typebox';
import { SIMULATED_HARDWARE, SIMULATOR_ISSUER } from '@clean-room/protocol/attestation';
import { fromBase64Url, fromUtf8, type Digest } from '@clean-room/protocol/bytes';
import { DigestField, checkSchema } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { RUN_AUDIENCE } from '@clean-room/protocol/runs';
import type { LauncherClient, TokenOptions } from './launcher.js';
import type { TokenClock } from './time.js';

/** Tokens with this audience give the supervisor the time and its image digest. They never leave the supervisor. */
const OWN_AUDIENCE = 'clean-room:supervisor:v1';

/**
 * The facts that a supervisor reads from an attestation token about itself. Custodians and policies verify the token's
 * root certificate; this type does not imply that it was verified.
 */
export interface OwnToken {
  readonly token: string;
  /** Audience and nonce that the token was requested with. */
  readonly options: TokenOptions;
  /** Digest of the image that this program runs from. */
  readonly image: Digest;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  /** Whether any claim says that the machine is a simulation and not a TEE. */
  readonly simulated: boolean;
}

const Claims = Type.Object({
  iss: Type.String(),
  aud: Type.String(),
  iat: Type.Integer({ minimum: 0, maximum: 253402300799 }),
  eat_nonce: Type.Union([Type.String(), Type.Array(Type.String())]),
  hwmodel: Type.String(),
  submods: Type.Object({ container: Type.Object({ image_digest: DigestField }) })
});

/**
 * Reads a token that was just requested. The nonce proves that the token is fresh, because it was unknown before the
 * request.
 *
 * @throws CleanRoomError `attestation-refused`
 */
export function readOwnToken(token: string, options: TokenOptions): OwnToken {
  let claims;
  try {
    const payload = token.split('.')[1] ?? '';
    claims = checkSchema(Claims, JSON.parse(fromUtf8(fromBase64Url(payload))), 'token');
  } catch (cause) {
    throw new CleanRoomError('attestation-refused', 'The launcher’s answer is not an attestation token.', {
      cause
    });
  }
  if (claims.aud !== options.audience || ![claims.eat_nonce].flat().includes(options.nonce)) {
    throw new CleanRoomError(
      'attestation-refused',
      'The launcher returned a token with another audience or nonce than requested.'
    );
  }
  return {
    token,
    options,
    image: claims.submods.container.image_digest,
    issuedAt: claims.iat,
    simulated: claims.iss === SIMULATOR_ISSUER || claims.hwmodel === SIMULATED_HARDWARE
  };
}

async function requestToken(
  launcher: LauncherClient,
  clock: TokenClock,
  options: TokenOptions,
  signal?: AbortSignal
): Promise<OwnToken> {
  const token = readOwnToken(await launcher.token(options, signal), options);
  clock.observe(token.issuedAt);
  return token;
}

/** Requests a fresh token about this machine, and sets the clock from it. */
export function requestOwnToken(
  launcher: LauncherClient,
  clock: TokenClock,
  signal?: AbortSignal
): Promise<OwnToken> {
  const nonce = randomBytes(32).toString('base64url');
  return requestToken(launcher, clock, { audience: OWN_AUDIENCE, nonce }, signal);
}

/** Requests the token whose nonce is bound to a run statement, and sets the clock from it. */
export async function requestRunToken(
  launcher: LauncherClient,
  clock: TokenClock,
  nonce: string,
  signal?: AbortSignal
): Promise<string> {
  return (await requestToken(launcher, clock, { audience: RUN_AUDIENCE, nonce }, signal)).token;
}
