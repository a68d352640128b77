import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { toTimestamp } from '@clean-room/protocol/documents';
import { asDigest, digestOf, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { downloadInput } from '../inputs/download.js';
import { ProgramFailure, runProgram } from '../programs/run.js';
import { parseControl } from './control.js';

const DEFAULT_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The index of a release. */
export interface ReleaseIndex {
  /** The date of the index. */
  readonly indexed: string;
  readonly signatureChecked: boolean;
  /** The text of `main/binary-amd64/Packages`. */
  readonly packages: string;
}

/** Options of `readRelease`. */
export interface ReleaseOptions {
  /** Whether to continue without checking the archive's signature. The lock then records that. */
  readonly withoutSignature?: boolean;
  /** The file with Debian's archive keys. */
  readonly keyring?: string;
}

/** Returns the text that the archive signed. It is read from the output of gpgv, because the file may contain unsigned text too. */
async function verifiedText(folder: string, inRelease: string, keyring: string): Promise<string> {
  await access(keyring).catch((cause: unknown) => {
    throw new CleanRoomError(
      'signature-invalid',
      `The file with Debian's archive keys, ${keyring}, does not exist.`,
      {
        cause,
        remedy:
          'Install gpgv and debian-archive-keyring, or pass --without-signature if you trust the mirror.'
      }
    );
  });
  const text = join(folder, 'Release');
  await runProgram('gpgv', ['--keyring', keyring, '--output', text, inRelease]).catch((cause: unknown) => {
    const isMissing = cause instanceof ProgramFailure && cause.reason === 'not-installed';
    throw new CleanRoomError(
      'signature-invalid',
      isMissing
        ? 'gpgv is not installed.'
        : "The index of the mirror does not have a valid signature of Debian's archive.",
      { cause, remedy: isMissing ? 'Install gpgv.' : 'Do not use this mirror. Nothing was changed.' }
    );
  });
  return readFile(text, 'utf8');
}

/** Returns the text of a clear-signed file without checking the signature. */
function signedBody(text: string): string {
  const body =
    /^-----BEGIN PGP SIGNED MESSAGE-----\n(?:[^\n]+\n)*\n([\s\S]*?)\n-----BEGIN PGP SIGNATURE-----/.exec(
      text
    );
  return body?.[1] ?? text;
}

function hashesOf(release: ReadonlyMap<string, string>): Map<string, Digest> {
  const lines = (release.get('sha256') ?? '').split('\n').map(line => line.trim().split(/\s+/));
  return new Map(
    lines.flatMap(([hash, , path]) => (hash && path ? [[path, asDigest(`sha256:${hash}`)] as const] : []))
  );
}

/**
 * Reads a release's index of `main` for amd64. Debian's archive signs a list of hashes, and the index must have the listed one.
 *
 * @param folder - a temporary folder
 * @throws CleanRoomError `signature-invalid`, `digest-mismatch`, `malformed`, `not-found`, `unavailable`
 */
export async function readRelease(
  mirror: URL,
  release: string,
  folder: string,
  { withoutSignature = false, keyring = DEFAULT_KEYRING }: ReleaseOptions = {}
): Promise<ReleaseIndex> {
  const base = new URL(`dists/${release}/`, mirror);
  const inRelease = join(folder, 'InRelease');
  await downloadInput(new URL('InRelease', base), inRelease, `The index of Debian ${release}`);
  const text = withoutSignature
    ? signedBody(await readFile(inRelease, 'utf8'))
    : await verifiedText(folder, inRelease, keyring);
  const [fields] = [...parseControl(text)];
  const date = new Date(fields?.get('date') ?? '');
  if (fields?.get('codename') !== release || Number.isNaN(date.getTime())) {
    throw new CleanRoomError('malformed', `The index on ${mirror.host} is not that of ${release}.`);
  }
  const name = 'main/binary-amd64/Packages.gz';
  const expected = hashesOf(fields).get(name);
  if (expected === undefined)
    throw new CleanRoomError('malformed', `The index of ${release} does not list ${name}.`);
  const path = join(folder, 'Packages.gz');
  const byHash = `main/binary-amd64/by-hash/SHA256/${expected.slice('sha256:'.length)}`;
  await downloadInput(new URL(fields.get('acquire-by-hash') === 'yes' ? byHash : name, base), path, name);
  const packed = await readFile(path);
  if (digestOf(packed) !== expected) {
    throw new CleanRoomError(
      'digest-mismatch',
      `${name} on ${mirror.host} does not have the hash in the signed index.`,
      {
        remedy: 'The mirror may be updating. Try again later.'
      }
    );
  }
  return {
    indexed: toTimestamp(date),
    signatureChecked: !withoutSignature,
    packages: gunzipSync(packed).toString()
  };
}
