import { describe, expect, it } from '@jest/globals';
import { HARDWARE_ROOTS } from '../../src/attestation/hardware-roots.js';
import { digestOf } from '../../src/bytes/digest.js';
import { utf8 } from '../../src/bytes/encoding.js';
import { generateSigningKey } from '../../src/documents/keys.js';
import { requireKernelImage, type KernelImageUse } from '../../src/kernel-images/accept.js';
import { KernelImageStatement } from '../../src/kernel-images/kernel-image.js';

const [release, other] = [generateSigningKey(), generateSigningKey()];
const digest = digestOf(utf8('manifest'));
const value: KernelImageStatement = {
  format: 'clean-room.kernel-image/v1',
  name: 'python-cpu',
  digest,
  accelerator: 'none',
  development: false,
  hardwareRoots: HARDWARE_ROOTS.map(({ sha256 }) => sha256)
};

function use(sealedFor: 'hardware' | 'simulation', signers = [release.publicKey]): KernelImageUse {
  const kind = sealedFor === 'hardware' ? 'hardware' : 'simulated';
  return {
    version: { name: 'hospital/visits', sealedFor },
    policy: {
      kernelImages: { digests: [digest], signers },
      tee: { rule: 'true', roots: [{ kind, certificate: digest }], sandboxProfiles: ['second-uid'] }
    }
  };
}

const refused = (message: RegExp) => expect.objectContaining({ message: expect.stringMatching(message) });

describe('a kernel image', () => {
  it('that a listed release key has signed is accepted for hardware and for simulation', () => {
    const statement = KernelImageStatement.sign(value, release);
    expect(requireKernelImage(statement, digest, [use('hardware'), use('simulation')])).toEqual(value);
  });

  it('of development is accepted for simulation only', () => {
    const statement = KernelImageStatement.sign({ ...value, development: true }, release);
    expect(requireKernelImage(statement, digest, [use('simulation')]).development).toBe(true);
    for (const uses of [[use('hardware')], [use('simulation'), use('hardware')]]) {
      expect(() => requireKernelImage(statement, digest, uses)).toThrow(
        refused(/sealed for hardware, so it cannot be used with a development kernel image/)
      );
    }
  });

  it('of development is refused by a policy that names a hardware root, whatever the data is sealed for', () => {
    const statement = KernelImageStatement.sign({ ...value, development: true }, release);
    const { policy } = use('hardware');
    const mixed = { version: use('simulation').version, policy };
    expect(() => requireKernelImage(statement, digest, [mixed])).toThrow(refused(/development kernel image/));
  });

  it('of a build for tests, which accepts another hardware root, is refused for hardware and for simulation', () => {
    const hardwareRoots = [...value.hardwareRoots, digestOf(utf8('the root of a test authority'))];
    const statement = KernelImageStatement.sign({ ...value, hardwareRoots }, release);
    for (const uses of [[], [use('simulation')], [use('hardware')]]) {
      expect(() => requireKernelImage(statement, digest, uses)).toThrow(
        refused(/root sha256:[0-9a-f]{64}, which this program does not know/)
      );
    }
  });

  it('is refused if one of the policies does not name its signer', () => {
    const statement = KernelImageStatement.sign(value, release);
    const uses = [use('hardware'), use('hardware', [other.publicKey])];
    expect(() => requireKernelImage(statement, digest, uses)).toThrow(refused(/not signed by a release key/));
    const both = KernelImageStatement.sign(value, other, release);
    expect(requireKernelImage(both, digest, uses)).toEqual(value);
  });

  it('is refused if the statement claims the key of a policy but another key has signed it', () => {
    const statement = KernelImageStatement.sign(value, other);
    const [signature] = statement.signatures;
    const claimed = { ...statement, signatures: [{ ...signature!, keyid: release.publicKey }] };
    expect(() => requireKernelImage(claimed, digest, [use('hardware')])).toThrow(
      refused(/not signed by a release key/)
    );
  });

  it('is refused if the statement is about another image', () => {
    const statement = KernelImageStatement.sign(value, release);
    expect(() => requireKernelImage(statement, digestOf(utf8('other')), [use('hardware')])).toThrow(
      expect.objectContaining({ code: 'digest-mismatch' })
    );
  });
});
