import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Envelope, PublicKey } from '@clean-room/protocol/documents';
import type { Digest } from '@clean-room/protocol/bytes';
import { KernelImageStatement } from '@clean-room/protocol/kernel-images';
import { committedKernelImages } from '../../platform/kernel-images/committed.js';
import { ensureSigningKey } from '../../custodian/keys/key-folder.js';
import { writeFileAtomic } from '@clean-room/node-support';
import { writeJson } from './documents.js';
import type { DemoLayout } from './layout.js';

export interface SignedKernelImages {
  readonly signer: PublicKey;
  readonly images: readonly {
    readonly name: string;
    readonly digest: Digest;
    readonly statement: Envelope;
  }[];
}

/**
 * Signs the committed kernel images with a key made on this machine: good for the simulator alone, and it says so. Puts each
 * where the coordinator reads it.
 */
export async function signKernelImages(layout: DemoLayout, folder?: string): Promise<SignedKernelImages> {
  const key = await ensureSigningKey(layout.releaseKey);
  const images = [];
  for (const { name, digest, manifest, config } of await committedKernelImages(folder)) {
    const place = layout.kernelImage(name);
    const statement = KernelImageStatement.sign(
      {
        format: 'clean-room.kernel-image/v1',
        name,
        digest,
        accelerator: name.endsWith('-gpu') ? 'gpu' : 'none',
        development: true
      },
      key
    );
    await mkdir(place, { recursive: true, mode: 0o700 });
    await writeFileAtomic(path.join(place, 'manifest.json'), manifest, 0o644);
    await writeFileAtomic(path.join(place, 'config.json'), config, 0o644);
    await writeJson(path.join(place, 'statement.json'), statement);
    images.push({ name, digest, statement });
  }
  return { signer: key.publicKey, images };
}
