import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { PasskeyAssertion } from '../../src/approvals/approval.js';
import { concat, fromBase64, toBase64Url } from '../../src/bytes/encoding.js';
import { preAuthenticationEncoding, type Envelope } from '../../src/documents/dsse.js';
import type { Passkey } from '../../src/parties/roster.js';

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest();

/** The fields that a forged assertion changes. */
export interface AssertionChanges {
  readonly type?: string;
  readonly origin?: string;
  readonly challenge?: string;
  readonly crossOrigin?: boolean;
  readonly relyingParty?: string;
  readonly flags?: number;
}

/** A WebAuthn authenticator in software. It can also make forged assertions. */
export class SoftPasskey {
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #credentialId = toBase64Url(crypto.getRandomValues(new Uint8Array(32)));

  constructor(
    readonly relyingParty: string,
    readonly origin: string
  ) {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#privateKey = pair.privateKey;
    this.#publicKey = pair.publicKey;
  }

  /** Returns the passkey as a roster lists it. */
  listed(): Passkey {
    const jwk = this.#publicKey.export({ format: 'jwk' });
    const coordinate = (text: string | undefined) => Buffer.from(text ?? '', 'base64url');
    const cose = concat(
      Uint8Array.of(0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32),
      coordinate(jwk.x),
      Uint8Array.of(0x22, 0x58, 32),
      coordinate(jwk.y)
    );
    return {
      credentialId: this.#credentialId,
      publicKey: toBase64Url(cose),
      relyingParty: this.relyingParty,
      origin: this.origin
    };
  }

  /** Returns an assertion over the envelope's DSSE pre-authentication encoding, with the changes of a forger. */
  assertOver(envelope: Envelope, changes: AssertionChanges = {}): PasskeyAssertion {
    const signed = preAuthenticationEncoding(envelope.payloadType, fromBase64(envelope.payload));
    const client = Buffer.from(
      JSON.stringify({
        type: changes.type ?? 'webauthn.get',
        challenge: changes.challenge ?? toBase64Url(sha256(signed)),
        origin: changes.origin ?? this.origin,
        crossOrigin: changes.crossOrigin ?? false
      })
    );
    const authenticator = concat(
      sha256(changes.relyingParty ?? this.relyingParty),
      Uint8Array.of(changes.flags ?? 0x05, 0, 0, 0, 1)
    );
    const signature = sign('sha256', concat(authenticator, sha256(client)), this.#privateKey);
    return {
      credentialId: this.#credentialId,
      authenticatorData: toBase64Url(authenticator),
      clientDataJSON: toBase64Url(client),
      signature: toBase64Url(signature)
    };
  }
}
