import path from 'node:path';
import type { Command } from 'commander';
import { writeFileAtomic } from '@clean-room/node-support';
import type { Digest } from '@clean-room/protocol/bytes';
import { checkSchema, Envelope, parseStrictJson, toTimestamp } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { KernelImageRevocations, openRevocations } from '@clean-room/protocol/kernel-images';
import type { Act } from '../context.js';
import { readOptional } from '../files.js';
import { openReleaseKey } from '../kernel-images/release-key.js';
import { digestOption, timestampOption } from './options.js';

interface RevokeOptions {
  readonly key: string;
  readonly list: string;
  readonly reason: string;
  readonly at?: Date;
}

/** Reads the list that is extended. The same key must have signed it. */
async function readList(file: string, signer: string): Promise<KernelImageRevocations> {
  const bytes = await readOptional(file);
  if (bytes === undefined) {
    return { format: 'clean-room.kernel-image-revocations/v1', signer, version: 0, entries: [] };
  }
  const { value } = openRevocations(
    checkSchema(Envelope, parseStrictJson(bytes), 'list of revoked kernel images')
  );
  if (value.signer === signer) return value;
  throw new CleanRoomError(
    'signature-invalid',
    `The list in ${file} belongs to another release key. It was not changed.`,
    {
      remedy: `Use the list that ${signer} has signed, or name a new file.`
    }
  );
}

/** Adds `kernel-image revoke`, which writes the next version of a release key's list. */
export function registerRevoke(group: Command, act: Act): void {
  group
    .command('revoke')
    .argument('<digest>', 'Digest of the kernel image', digestOption)
    .description('Add a kernel image to the list of revoked images, without a network connection')
    .requiredOption(
      '--key <key>',
      'File with the release key, or the PKCS #11 URI of a key in a security module'
    )
    .requiredOption(
      '--list <file>',
      'The newest list, which is replaced by its next version; created if it does not exist'
    )
    .requiredOption('--reason <text>', 'Reason, in one line')
    .option(
      '--at <time>',
      'Time of the revocation; runs that ended before remain valid (default: now)',
      timestampOption
    )
    .action(
      act(async ({ terminal }, digest: Digest, { key, list, reason, at = terminal.now() }: RevokeOptions) => {
        const file = path.resolve(terminal.folder, list);
        const signer = await openReleaseKey(key, terminal.folder);
        const before = await readList(file, signer.publicKey);
        const known = before.entries.find(entry => entry.digest === digest);
        if (known !== undefined) {
          throw new CleanRoomError(
            'conflict',
            `This kernel image has been on the list since ${known.revokedAt}. The list was not changed.`
          );
        }
        const { signDocument } = await import('../../custodian/index.js');
        const { value, envelope } = await signDocument(signer, KernelImageRevocations, {
          ...before,
          version: before.version + 1,
          entries: [...before.entries, { digest, revokedAt: toTimestamp(at), reason }]
        });
        await writeFileAtomic(file, JSON.stringify(envelope), 0o644);
        return {
          value: { ...value, file },
          lines: [
            `Revoked ${digest} from ${toTimestamp(at)} on.`,
            `Version ${value.version} of the list is in ${file}. Kernel images on it: ${value.entries.length}.`,
            'Send it to every custodian ("clean-room custodian import-revocations") and to those who verify receipts.'
          ]
        };
      })
    );
}
