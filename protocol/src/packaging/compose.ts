import {
  digestFromHash,
  digestOf,
  equalBytes,
  pureSha256,
  type Digest,
  type HasherFactory
} from '../bytes/index.js';
import { canonicalJson } from '../documents/index.js';
import { CleanRoomError } from '../errors/index.js';
import { SPEC_PATH, WORKSPACE_PATH, readSpec } from '../submissions/index.js';
import {
  CONFIG_TYPE,
  LAYER_TYPE,
  MANIFEST_TYPE,
  readImageConfig,
  readManifest,
  type Descriptor
} from './oci.js';
import type { Content } from './content.js';
import { tarSize, writeTar, type TarEntry } from './tar.js';
import { checkWorkspace } from './workspace.js';

/**
 * What the launcher lets the operator do with our images (go-tpm-tools launcher, launch policy): name the job, and
 * nothing else. Labels are part of the image digest, so whoever pins the digest pins these.
 */
export const LAUNCH_POLICY_LABELS = {
  'tee.launch_policy.allow_env_override': 'CLEAN_ROOM_JOB',
  'tee.launch_policy.debug_monitoring': 'none',
  'tee.launch_policy.hardened_monitoring': 'none',
  'tee.launch_policy.log_redirect': 'never'
} as const;

const EPOCH = '1970-01-01T00:00:00Z';
const BASE_DIGEST = 'org.opencontainers.image.base.digest';
const COMMENT = 'clean-room: spec and workspace of one revision';

/** A kernel image by its manifest and config: all that is needed to know a revision's digest. */
export interface KernelImageFiles {
  readonly manifest: Uint8Array;
  readonly config: Uint8Array;
}

export interface RevisionFile {
  readonly path: string;
  readonly digest: Digest;
  readonly bytes: number;
  content(): Content;
}

export interface Revision {
  /** The one layer on top of the kernel image; `chunks` writes it anew at each call. */
  readonly layer: Descriptor & { chunks(): AsyncIterable<Uint8Array> };
  readonly config: Uint8Array;
  readonly manifest: Uint8Array;
  /** Digest of the config: the token's `image_id`. */
  readonly imageId: Digest;
  /** Digest of the manifest: the identity of the program. */
  readonly imageDigest: Digest;
}

function folders(paths: readonly string[]): TarEntry[] {
  const all = new Set<string>();
  for (const path of paths) {
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1))
      all.add(path.slice(0, end));
  }
  return [...all].map(path => ({ type: 'directory', path, mode: 0o755 }));
}

function layerEntries(spec: Uint8Array, files: readonly RevisionFile[]): TarEntry[] {
  const entries: TarEntry[] = [
    { type: 'file', path: SPEC_PATH, mode: 0o644, size: spec.length, content: () => [spec] },
    ...files.map((file): TarEntry => ({
      type: 'file',
      path: `${WORKSPACE_PATH}/${file.path}`,
      mode: 0o644,
      size: file.bytes,
      content: () => file.content()
    }))
  ];
  return [...entries, ...folders(entries.map(entry => entry.path))];
}

/** Reads a file's content once more, and breaks off when it is not what its digest says. */
async function* verified(file: RevisionFile, hasher: HasherFactory): AsyncGenerator<Uint8Array> {
  const hash = hasher();
  for await (const chunk of file.content()) {
    hash.update(chunk);
    yield chunk;
  }
  if (digestFromHash(hash.digest()) !== file.digest) {
    throw new CleanRoomError('digest-mismatch', `"${file.path}" changed while it was packaged.`, {
      remedy: 'Submit again.'
    });
  }
}

function specFiles(spec: Uint8Array, files: readonly RevisionFile[]): RevisionFile[] {
  const { workspace } = readSpec(spec).value;
  const given = new Map(files.map(file => [file.path, file]));
  const same = files.length === workspace.length && given.size === files.length;
  if (!same)
    throw new CleanRoomError('digest-mismatch', 'The files are not exactly the ones that the spec names.');
  return workspace.map(named => {
    const file = given.get(named.path);
    if (file?.digest !== named.digest || file.bytes !== named.bytes) {
      throw new CleanRoomError('digest-mismatch', `"${named.path}" is not the file that the spec names.`);
    }
    return file;
  });
}

/** The config and manifest of an image that is `kernelImage` with one more layer. */
function describe(kernelImage: KernelImageFiles, layer: Descriptor): Pick<Revision, 'config' | 'manifest'> {
  const [manifest, config] = [readManifest(kernelImage.manifest), readImageConfig(kernelImage.config)];
  const { config: described, layers } = manifest.value;
  if (described.digest !== config.digest || described.size !== kernelImage.config.length) {
    throw new CleanRoomError('digest-mismatch', 'The config is not the one of the kernel image.');
  }
  const { Labels: labels = {}, ...runtime } = config.value.config;
  const foreign = Object.keys(labels).find(label => label.startsWith('tee.'));
  if (foreign !== undefined)
    throw new CleanRoomError('malformed', `The kernel image brings a label ${foreign} of its own.`);
  const configBytes = canonicalJson({
    ...config.value,
    created: EPOCH,
    config: { ...runtime, Labels: { ...labels, ...LAUNCH_POLICY_LABELS } },
    rootfs: { ...config.value.rootfs, diff_ids: [...config.value.rootfs.diff_ids, layer.digest] },
    history: [...(config.value.history ?? []), { created: EPOCH, created_by: COMMENT }]
  });
  const manifestBytes = canonicalJson({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: digestOf(configBytes), size: configBytes.length },
    layers: [...layers, { mediaType: LAYER_TYPE, digest: layer.digest, size: layer.size }],
    annotations: { [BASE_DIGEST]: manifest.digest }
  });
  return { config: configBytes, manifest: manifestBytes };
}

/**
 * Composes a revision's image: kernel image, and one deterministic uncompressed layer with the spec and the files it
 * names. Same inputs, same digest, anywhere.
 * @param spec canonical bytes
 * @param files exactly those that the spec names, in any order
 * @throws CleanRoomError `workspace-refused`, `digest-mismatch`, `malformed`
 */
export async function composeRevision(
  kernelImage: KernelImageFiles,
  spec: Uint8Array,
  files: readonly RevisionFile[],
  hasher: HasherFactory = pureSha256
): Promise<Revision> {
  checkWorkspace(files);
  const sources = specFiles(spec, files).map(file => ({ ...file, content: () => verified(file, hasher) }));
  const entries = layerEntries(spec, sources);
  const chunks = () => writeTar(entries);
  const hash = hasher();
  for await (const chunk of chunks()) hash.update(chunk);
  const layer = { mediaType: LAYER_TYPE, digest: digestFromHash(hash.digest()), size: tarSize(entries) };
  const { config, manifest } = describe(kernelImage, layer);
  return {
    layer: { ...layer, chunks },
    config,
    manifest,
    imageId: digestOf(config),
    imageDigest: digestOf(manifest)
  };
}

/**
 * Checks that an image is a kernel image with one layer of ours and nothing else: no other layer, entrypoint,
 * environment, user or label. What the layer holds, only {@link composeRevision} can tell.
 * @throws CleanRoomError `digest-mismatch`
 */
export function verifyComposition(claim: {
  readonly kernelImage: KernelImageFiles;
  readonly image: KernelImageFiles;
}): void {
  const layer = readManifest(claim.image.manifest).value.layers.at(-1);
  if (layer === undefined) throw new CleanRoomError('digest-mismatch', 'The image has no layers.');
  const expected = describe(claim.kernelImage, layer);
  if (
    !equalBytes(expected.config, claim.image.config) ||
    !equalBytes(expected.manifest, claim.image.manifest)
  ) {
    throw new CleanRoomError(
      'digest-mismatch',
      'The image holds something beside the kernel image and the revision.'
    );
  }
}
