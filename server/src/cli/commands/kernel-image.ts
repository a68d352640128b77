import path from 'node:path';
import type { Command } from 'commander';
import { writeFileAtomic } from '@clean-room/node-support';
import { HARDWARE_ROOTS } from '@clean-room/protocol/attestation';
import type { Digest } from '@clean-room/protocol/bytes';
import type { PublicKey } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { KernelImageStatement } from '@clean-room/protocol/kernel-images';
import type { Act, CommandContext, Register } from '../context.js';
import { readRevocations } from '../home/revocations.js';
import { readTrustRoots } from '../home/trust.js';
import {
  readImageFolder,
  readStatement,
  STATEMENT_FILE,
  type ImageFolder
} from '../kernel-images/image-folder.js';
import { promoteKernelImage, statementTag } from '../kernel-images/promote.js';
import { createReleaseKey, openReleaseKey } from '../kernel-images/release-key.js';
import { verifyLayers, verifyStatement, type VerifiedStatement } from '../kernel-images/verify.js';
import { registerRevoke } from './kernel-image-revoke.js';
import { collect, digestOption } from './options.js';

interface TrustOptions {
  readonly signer?: readonly PublicKey[];
  readonly trust?: string;
  readonly revocations?: string;
}

/** Verifies the signed statement in an image's folder against the keys that the person trusts. */
async function verifyFolder(
  { terminal, home }: CommandContext,
  folder: string,
  options: TrustOptions
): Promise<{ image: ImageFolder; verified: VerifiedStatement }> {
  const image = await readImageFolder(folder);
  const trust = await readTrustRoots(home, options.trust);
  const releaseKeys = options.signer ?? trust?.kernelImageSigners ?? [];
  if (releaseKeys.length === 0) {
    throw new CleanRoomError('not-found', 'You have no trust roots, so no release key is known.', {
      remedy: 'Name the release key with --signer, or a file with trust roots with --trust.'
    });
  }
  const list =
    options.revocations === undefined ? undefined : path.resolve(terminal.folder, options.revocations);
  const revocations = await readRevocations(home, trust, list);
  return { image, verified: verifyStatement(image, await readStatement(folder), releaseKeys, revocations) };
}

/** Adds the options that say which release keys are trusted. */
function withTrustOptions(command: Command): Command {
  return command
    .option(
      '--signer <key>',
      'Release key that must have signed the image (repeatable; default: those of the trust roots)',
      collect
    )
    .option('--trust <file>', 'File with trust roots (default: your own trust.json)')
    .option('--revocations <file>', 'List of revoked kernel images');
}

function registerCreateKey(group: Command, act: Act): void {
  group
    .command('create-key <file>')
    .description(
      'Create a release key in a new file that only you can read; do this on a machine without a network'
    )
    .action(
      act(async ({ terminal }, file: string) => {
        const target = path.resolve(terminal.folder, file);
        const publicKey = await createReleaseKey(target);
        return {
          value: { key: publicKey, file: target },
          lines: [
            `Release key:  ${publicKey}`,
            `The secret key is in ${target}. Keep it and a copy offline. The public key goes into policies and trust roots.`
          ]
        };
      })
    );
}

interface SignOptions {
  readonly key: string;
  readonly digest: Digest;
  readonly name?: string;
  readonly gpu?: boolean;
  readonly development?: boolean;
  readonly out?: string;
}

function registerSign(group: Command, act: Act): void {
  group
    .command('sign <folder>')
    .description('Sign a kernel image with a release key, without a network connection')
    .requiredOption(
      '--key <key>',
      'File with the release key, or the PKCS #11 URI of a key in a security module'
    )
    .requiredOption(
      '--digest <digest>',
      'Digest that you compared with independent builds; no other image is signed',
      digestOption
    )
    .option('--name <name>', 'Name of the kernel image (default: the name of the folder)')
    .option('--gpu', 'The image is for machines with a GPU')
    .option('--development', 'Sign it for simulation only')
    .option('--out <file>', 'File for the signed statement (default: statement.json in the folder)')
    .action(
      act(async ({ terminal }, name: string, options: SignOptions) => {
        const folder = path.resolve(terminal.folder, name);
        const image = await readImageFolder(folder);
        if (image.digest !== options.digest) {
          throw new CleanRoomError(
            'digest-mismatch',
            `The image in ${folder} has the digest ${image.digest}, not the one that you named. Nothing was signed.`,
            { remedy: 'Find out which build is different before you sign anything.' }
          );
        }
        const { signDocument } = await import('../../custodian/index.js');
        const { envelope, value } = await signDocument(
          await openReleaseKey(options.key, terminal.folder),
          KernelImageStatement,
          {
            format: 'clean-room.kernel-image/v1',
            name: options.name ?? path.basename(folder),
            digest: image.digest,
            accelerator: options.gpu === true ? 'gpu' : 'none',
            development: options.development === true,
            hardwareRoots: HARDWARE_ROOTS.map(({ sha256 }) => sha256),
            sbom: image.sbom.named
          }
        );
        const signer = envelope.signatures[0]?.keyid;
        const file = path.resolve(terminal.folder, options.out ?? path.join(folder, STATEMENT_FILE));
        await writeFileAtomic(file, JSON.stringify(envelope), 0o644);
        return {
          value: { ...value, signer, file },
          lines: [
            `Signed ${value.name}:  ${value.digest}`,
            `Bill of materials:  ${image.sbom.named.digest}`,
            `Release key:  ${signer ?? ''}`,
            ...(value.development ? ['DEVELOPMENT: this image is accepted for simulation only.'] : []),
            `The signed statement is in ${file}.`
          ]
        };
      })
    );
}

function linesOf(image: ImageFolder, { value, signer }: VerifiedStatement): string[] {
  return [
    `${value.name}:  ${image.digest}`,
    `Bill of materials:  ${image.sbom.named.digest}`,
    `Signed by:  ${signer}`,
    ...(value.development ? ['DEVELOPMENT: this image is accepted for simulation only.'] : [])
  ];
}

function registerVerify(group: Command, act: Act): void {
  withTrustOptions(
    group
      .command('verify <folder>')
      .description('Verify the signed statement and the bill of materials of a kernel image')
      .option('--layout <folder>', 'OCI layout folder whose copy of the image is read and verified too')
  ).action(
    act(async (context, folder: string, options: TrustOptions & { layout?: string }) => {
      const { image, verified } = await verifyFolder(
        context,
        path.resolve(context.terminal.folder, folder),
        options
      );
      const lines = linesOf(image, verified);
      if (options.layout !== undefined) {
        const { LayoutStore } = await import('@clean-room/oci');
        const store = await LayoutStore.open(path.resolve(context.terminal.folder, options.layout));
        lines.push(`All layers are present and unchanged:  ${await verifyLayers(store, image)} bytes`);
      }
      return { value: { ...verified.value, signer: verified.signer }, lines };
    })
  );
}

function registerPromote(group: Command, act: Act): void {
  withTrustOptions(
    group
      .command('promote <folder>')
      .description('Copy a signed kernel image into a registry, with its statement and bill of materials')
      .requiredOption('--layout <folder>', 'OCI layout folder that contains the image')
      .requiredOption(
        '--to <repository>',
        'Repository as HOST/NAME; the credentials are those of "docker login"'
      )
  ).action(
    act(async (context, name: string, options: TrustOptions & { layout: string; to: string }) => {
      const folder = path.resolve(context.terminal.folder, name);
      const { image, verified } = await verifyFolder(context, folder, options);
      if (verified.value.development) {
        throw new CleanRoomError(
          'policy-refused',
          'A development kernel image is not promoted. Nothing was copied.',
          {
            remedy: 'Sign the image with the release key, without --development.'
          }
        );
      }
      const { LayoutStore, RegistryStore } = await import('@clean-room/oci');
      const from = await LayoutStore.open(path.resolve(context.terminal.folder, options.layout));
      const to = RegistryStore.open(options.to);
      const artifact = await promoteKernelImage(from, to, image, await readStatement(folder));
      const tag = statementTag(image.digest);
      return {
        value: { image: `${to.location}@${image.digest}`, statement: `${to.location}@${artifact}`, tag },
        lines: [
          ...linesOf(image, verified),
          `Image:  ${to.location}@${image.digest}`,
          `Statement and bill of materials:  ${to.location}:${tag}`
        ]
      };
    })
  );
}

/** Adds the commands that release kernel images: create a key, sign, verify, promote and revoke. */
export const registerKernelImage: Register = (program, act) => {
  const group = program.command('kernel-image').description('Release kernel images');
  registerCreateKey(group, act);
  registerSign(group, act);
  registerVerify(group, act);
  registerPromote(group, act);
  registerRevoke(group, act);
};
