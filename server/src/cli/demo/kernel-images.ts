import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomic } from '@clean-room/node-support';
import { HARDWARE_ROOTS } from '@clean-room/protocol/attestation';
import type { Envelope, PublicKey } from '@clean-room/protocol/documents';
import type { Digest } from '@clean-room/protocol/bytes';
import { KernelImageStatement } from '@clean-room/protocol/kernel-images';
import { committedKernelImages } from '../../platform/kernel-images/committed.js';
import { ensureSigningKey } from '../../custodian/index.js';
import { writeJson, type DemoLayout } from './layout.js';

/** The kernel images of the demo and the key that has signed them. */
export interface SignedKernelImages {
  readonly signer: PublicKey;
  readonly images: readonly {
    readonly name: string;
    readonly digest: Digest;
    readonly statement: Envelope;
  }[];
}

/**
 * Signs the committed kernel images with a key that was created on this machine, and copies them to the folders that the
 * coordinator reads. The statements say that these are development images, which are accepted only in simulation.
 *
 * @param folder - the folder of committed kernel images, the repository's own by default
 */
export async function signKernelImages(layout: DemoLayout, folder?: string): Promise<SignedKernelImages> {
  const key = await ensureSigningKey(layout.releaseKey);
  const images = [];
  for (const { name, digest, manifest, config } of await committedKernelImages(folder)) {
    const target = layout.kernelImage(name);
    const statement = KernelImageStatement.sign(
      {
        format: 'clean-room.kernel-image/v1',
        name,
        digest,
        accelerator: name.endsWith('-gpu') ? 'gpu' : 'none',
        development: true,
        hardwareRoots: HARDWARE_ROOTS.map(({ sha256 }) => sha256)
      },
      key
    );
    await mkdir(target, { recursive: true, mode: 0o700 });
    await writeFileAtomic(path.join(target, 'manifest.json'), manifest, 0o644);
    await writeFileAtomic(path.join(target, 'config.json'), config, 0o644);
    await writeJson(path.join(target, 'statement.json'), statement);
    images.push({ name, digest, statement });
  }
  return { signer: key.publicKey, images };
}
