import { Type, type Static } from 'typebox';
import { equalBytes, fromBase64Url, fromUtf8, toBase64Url, utf8 } from '@clean-room/protocol/bytes';
import { ByteCount, checkSchema, Closed, DigestField, toTimestamp } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { RelayAddress } from '../../platform/objects/transfers.js';
import type { AttemptSecrets } from './secrets.js';

/** One permitted transfer through this server. It travels in the address, with an HMAC of the deployment. */
const TransferGrant = Closed({
  attempt: Type.String(),
  direction: Type.Union([Type.Literal('download'), Type.Literal('upload')]),
  digest: DigestField,
  bytes: ByteCount,
  /** Seconds since 1970. */
  expires: Type.Integer()
});
export type TransferGrant = Static<typeof TransferGrant>;

function encodeGrant(secrets: AttemptSecrets, grant: TransferGrant): string {
  const text = toBase64Url(utf8(JSON.stringify(grant)));
  return `${text}.${toBase64Url(secrets.macOfGrant(text))}`;
}

/**
 * Returns the grant in a transfer address.
 *
 * @throws CleanRoomError `forbidden` when this deployment did not issue it for this direction, `expired`
 */
export function readGrant(
  secrets: AttemptSecrets,
  text: string,
  direction: TransferGrant['direction']
): TransferGrant {
  const [payload = '', mac = ''] = text.split('.');
  const invalid = (cause?: unknown): CleanRoomError =>
    new CleanRoomError('forbidden', 'This is not a valid transfer address.', { cause });
  let grant: TransferGrant;
  try {
    if (!equalBytes(fromBase64Url(mac), secrets.macOfGrant(payload))) throw invalid();
    grant = checkSchema(TransferGrant, JSON.parse(fromUtf8(fromBase64Url(payload))), 'transfer grant');
  } catch (cause) {
    throw invalid(cause);
  }
  if (grant.direction !== direction) throw invalid();
  if (grant.expires * 1000 <= Date.now()) {
    throw new CleanRoomError('expired', 'The transfer address has expired.', {
      remedy: 'Ask for another address.'
    });
  }
  return grant;
}

/**
 * Returns the function that gives transfer addresses of this server.
 *
 * @param base - returns the base URL at which supervisors reach this server, without a slash at the end
 */
export function relayAddresses(secrets: AttemptSecrets, base: () => string): RelayAddress {
  return (direction, { owner, digest, bytes }, expires) => {
    const grant = encodeGrant(secrets, {
      attempt: owner,
      direction,
      digest,
      bytes,
      expires: expires.getTime() / 1000
    });
    return {
      method: direction === 'download' ? 'GET' : 'PUT',
      url: `${base()}/v1/transfers/${grant}`,
      headers: direction === 'download' ? {} : { 'content-type': 'application/octet-stream' },
      expires: toTimestamp(expires)
    };
  };
}
