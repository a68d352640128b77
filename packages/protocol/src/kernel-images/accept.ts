import { HARDWARE_ROOTS } from '../attestation/hardware-roots.js';
import type { AssetVersion } from '../assets/asset.js';
import type { Digest } from '../bytes/digest.js';
import type { Envelope } from '../documents/dsse.js';
import type { PublicKey } from '../documents/keys.js';
import { CleanRoomError, isCleanRoomError } from '../errors/index.js';
import type { Policy } from '../policies/policy.js';
import { KernelImageStatement } from './kernel-image.js';

/** An asset that a kernel image is to be used with: its version and its policy, both verified. */
export interface KernelImageUse {
  readonly version: Pick<AssetVersion, 'name' | 'sealedFor'>;
  readonly policy: Pick<Policy, 'kernelImages' | 'tee'>;
}

/** Returns the first of the release keys that has signed the statement. */
export function releaseKeyOf(statement: Envelope, releaseKeys: readonly PublicKey[]): PublicKey | undefined {
  return releaseKeys.find(key => {
    try {
      KernelImageStatement.open(statement, key);
      return true;
    } catch (error) {
      if (isCleanRoomError(error, 'signature-invalid')) return false;
      throw error;
    }
  });
}

/** Returns whether an asset may only be used on hardware. A policy that also names a hardware root counts as one for hardware. */
function isForHardware({ version, policy }: KernelImageUse): boolean {
  return version.sealedFor !== 'simulation' || policy.tee.roots.some(root => root.kind !== 'simulated');
}

/**
 * Checks that a kernel image's supervisor accepts no hardware root that this build does not know, as that of a build for tests does.
 *
 * @throws CleanRoomError `policy-refused`
 */
export function requireKnownRoots({ hardwareRoots }: KernelImageStatement): void {
  const other = hardwareRoots.find(root => !HARDWARE_ROOTS.some(({ sha256 }) => sha256 === root));
  if (other === undefined) return;
  throw new CleanRoomError(
    'policy-refused',
    `The kernel image accepts machines with the root ${other}, which this program does not know.`,
    {
      remedy: 'Use a kernel image of a release. Images of builds for tests are accepted by such builds only.'
    }
  );
}

/**
 * Verifies the signed statement about a kernel image: it must be about this image, the image must not accept a hardware root that
 * this build does not know, a release key that each policy names must have signed it, and a development image may only be used with
 * assets for simulation. Custodian, supervisor and receipt
 * verifier all call this function. Without assets there are no policies and thus no signers, so only the image is compared.
 *
 * @param digest - the digest of the kernel image
 * @throws CleanRoomError `digest-mismatch`, `policy-refused`, `malformed`
 */
export function requireKernelImage(
  statement: Envelope,
  digest: Digest,
  uses: readonly KernelImageUse[]
): KernelImageStatement {
  const { value } = KernelImageStatement.peek(statement);
  if (value.digest !== digest) {
    throw new CleanRoomError('digest-mismatch', 'The signed statement is about another kernel image.');
  }
  requireKnownRoots(value);
  for (const use of uses) {
    if (releaseKeyOf(statement, use.policy.kernelImages.signers) === undefined) {
      throw new CleanRoomError(
        'policy-refused',
        `The kernel image is not signed by a release key that the policy of ${use.version.name} names.`,
        { remedy: 'Submit the notebook on a kernel image that is signed by one of these keys.' }
      );
    }
    if (value.development && isForHardware(use)) {
      throw new CleanRoomError(
        'policy-refused',
        `${use.version.name} is sealed for hardware, so it cannot be used with a development kernel image.`,
        { remedy: 'Submit the notebook on a kernel image that is signed for production.' }
      );
    }
  }
  return value;
}
