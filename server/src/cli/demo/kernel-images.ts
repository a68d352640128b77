import type { Envelope, PublicKey } from '@clean-room/protocol/documents';
import type { Digest } from '@clean-room/protocol/bytes';
import { KernelImageStatement } from '@clean-room/protocol/kernel-images';
import { committedKernelImages } from '../../custodian/kernel-images/index.js';
import { ensureSigningKey } from '../../custodian/keys/index.js';
import { readEnvelope, writeJson } from './documents.js';
import type { DemoLayout } from './layout.js';

export interface SignedKernelImages {
  readonly signer: PublicKey;
  readonly images: readonly {
    readonly name: string;
    readonly digest: Digest;
    readonly statement: Envelope;
  }[];
}

/** Signs the committed kernel images with a key made on this machine: good for the simulator alone, and it says so. */
export async function signKernelImages(layout: DemoLayout, folder?: string): Promise<SignedKernelImages> {
  const key = await ensureSigningKey(layout.releaseKey);
  const images = [];
  for (const { name, digest } of await committedKernelImages(folder)) {
    const file = layout.kernelImage(name);
    const before = await readEnvelope(file);
    if (before !== undefined && KernelImageStatement.open(before, key.publicKey).value.digest === digest) {
      images.push({ name, digest, statement: before });
      continue;
    }
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
    await writeJson(file, statement);
    images.push({ name, digest, statement });
  }
  return { signer: key.publicKey, images };
}
