import { describe, expect, it } from '@jest/globals';
import { digestOf } from '../../src/bytes/digest.js';
import { utf8 } from '../../src/bytes/encoding.js';
import { generateSigningKey } from '../../src/documents/keys.js';
import { generateAttemptKey } from '../../src/key-release/attempt-key.js';
import { openFileKey, sealFileKey } from '../../src/key-release/file-key.js';
import { KeyRequest, keyRequestNonce } from '../../src/key-release/key-release.js';
import { EMPTY_TREE_HEAD } from '../../src/log/log.js';

const [request, asset, other] = ['request', 'asset', 'other'].map(text => digestOf(utf8(text))) as [
  `sha256:${string}`,
  `sha256:${string}`,
  `sha256:${string}`
];
const fileKey = new Uint8Array(16).fill(9);

describe('a released file key', () => {
  it('opens for its attempt, request and asset version', async () => {
    const attempt = await generateAttemptKey();
    const sealed = await sealFileKey(fileKey, attempt.publicKey, request, asset);
    expect(await openFileKey(sealed, attempt, request, asset)).toEqual(fileKey);
  });

  it.each(['attempt', 'request', 'asset'])('does not open for another %s', async what => {
    const attempt = await generateAttemptKey();
    const sealed = await sealFileKey(fileKey, attempt.publicKey, request, asset);
    const opened = openFileKey(
      sealed,
      what === 'attempt' ? await generateAttemptKey() : attempt,
      what === 'request' ? other : request,
      what === 'asset' ? other : asset
    );
    await expect(opened).rejects.toMatchObject({ code: 'key-release-refused' });
  });
});

describe('the nonce of a key request', () => {
  it('changes with every part of the request', async () => {
    const attempt = await generateAttemptKey();
    const base = {
      format: 'clean-room.key-request/v1' as const,
      custodian: generateSigningKey().publicKey,
      image: request,
      spec: asset,
      attemptKey: attempt.publicKey,
      sandboxProfile: 'second-uid' as const,
      approval: other,
      rosterVersion: 1,
      logHead: EMPTY_TREE_HEAD
    };
    const variants = [
      base,
      { ...base, custodian: generateSigningKey().publicKey },
      { ...base, image: other },
      { ...base, spec: other },
      { ...base, attemptKey: (await generateAttemptKey()).publicKey },
      { ...base, sandboxProfile: 'nested-namespace' as const },
      { ...base, approval: asset },
      { ...base, rosterVersion: 2 },
      { ...base, logHead: { size: 1, root: other } }
    ];
    const nonces = variants.map(variant => keyRequestNonce(KeyRequest.read(KeyRequest.write(variant))));
    expect(new Set(nonces).size).toBe(variants.length);
    expect(nonces.every(nonce => nonce.length === 43)).toBe(true);
  });
});
