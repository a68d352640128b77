import { fromUtf8 } from '../bytes/encoding.js';
import { canonicalJson } from '../documents/canonical.js';
import { CleanRoomError } from '../errors/index.js';
import {
  imageOver,
  readKernelImage,
  type ImageFiles,
  type KernelImageDocuments,
  type KernelImageFiles
} from './image.js';
import { readImageConfig, readManifest, type ImageConfig, type Manifest } from './oci.js';

/** The steps of checking how an image is composed, in order, with their titles. */
const COMPOSITION_STEPS = {
  'kernel-image': 'The kernel image is readable and brings no launch policy',
  form: 'The image is readable',
  'base-digest': 'The image names this kernel image as its base',
  layers: 'The layers are those of the kernel image, and one more',
  'config-digest': 'The config is the one that the manifest refers to',
  'diff-ids': 'The file system consists of these layers',
  entrypoint: 'The entrypoint is that of the kernel image',
  environment: 'The environment variables are those of the kernel image',
  user: 'The user is that of the kernel image',
  'working-folder': 'The working directory is that of the kernel image',
  labels: 'The labels are those of the kernel image, and our launch policy',
  history: 'The history is that of the kernel image, and one more entry',
  platform: 'The platform is that of the kernel image, and the creation time is the epoch',
  bytes: 'Config and manifest have the canonical bytes'
} as const;

/** The name of a step of {@link COMPOSITION_STEPS}. */
type CompositionStepId = keyof typeof COMPOSITION_STEPS;

/** The result of one step. `not-reached`: an earlier step that this one depends on failed. */
interface CompositionStep {
  readonly id: CompositionStepId;
  readonly title: string;
  readonly status: 'pass' | 'fail' | 'not-reached';
  /** The difference that was found; empty if the step passed. */
  readonly detail: string;
}

/** An image, and the kernel image that it is claimed to be based on. */
export interface CompositionClaim {
  readonly kernelImage: KernelImageFiles;
  readonly image: ImageFiles;
}

interface ParsedImage {
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  readonly files: ImageFiles;
}

/** The part of an image that each step compares. */
const PARTS: readonly (readonly [CompositionStepId, (image: ParsedImage) => unknown])[] = [
  ['base-digest', ({ manifest }) => manifest.annotations],
  ['layers', ({ manifest }) => manifest.layers],
  ['config-digest', ({ manifest }) => manifest.config],
  ['diff-ids', ({ config }) => config.rootfs],
  ['entrypoint', ({ config }) => config.config.Entrypoint],
  ['environment', ({ config }) => config.config.Env],
  ['user', ({ config }) => config.config.User],
  ['working-folder', ({ config }) => config.config.WorkingDir],
  ['labels', ({ config }) => config.config.Labels],
  ['history', ({ config }) => config.history],
  ['platform', ({ config }) => [config.os, config.architecture, config.created ?? '']],
  ['bytes', ({ files }) => [fromUtf8(files.config), fromUtf8(files.manifest)]]
];

function parseImage(files: ImageFiles): ParsedImage {
  return {
    manifest: readManifest(files.manifest).value,
    config: readImageConfig(files.config).value,
    files
  };
}

function textOf(value: unknown): string {
  return value === undefined ? 'nothing' : fromUtf8(canonicalJson(value));
}

function step(id: CompositionStepId, status: CompositionStep['status'], detail = ''): CompositionStep {
  return { id, title: COMPOSITION_STEPS[id], status, detail };
}

function compare(expected: ParsedImage, actual: ParsedImage): CompositionStep[] {
  return PARTS.map(([id, part]) => {
    const [wanted, found] = [textOf(part(expected)), textOf(part(actual))];
    if (wanted === found) return step(id, 'pass');
    return step(
      id,
      'fail',
      id === 'bytes' ? 'The bytes differ.' : `Expected ${wanted.slice(0, 400)}, found ${found.slice(0, 400)}.`
    );
  });
}

/** Returns the value of `work`, or the message of the {@link CleanRoomError} that it throws. */
function attempt<T>(work: () => T): { readonly value?: T; readonly detail: string } {
  try {
    return { value: work(), detail: '' };
  } catch (error) {
    if (error instanceof CleanRoomError) return { detail: error.message };
    throw error;
  }
}

function expectedImage(kernelImage: KernelImageDocuments, image: ParsedImage): ParsedImage {
  const layer = image.manifest.layers.at(-1);
  if (layer === undefined) throw new CleanRoomError('malformed', 'The image has no layers.');
  return parseImage(imageOver(kernelImage, layer));
}

/** Returns every step of {@link COMPOSITION_STEPS}, in order. */
function appraise({ kernelImage, image }: CompositionClaim): CompositionStep[] {
  const base = attempt(() => readKernelImage(kernelImage));
  const actual = attempt(() => parseImage(image));
  const readSteps = [
    step('kernel-image', base.value === undefined ? 'fail' : 'pass', base.detail),
    step('form', actual.value === undefined ? 'fail' : 'pass', actual.detail)
  ];
  const { value } = actual;
  if (base.value === undefined || value === undefined)
    return [...readSteps, ...PARTS.map(([id]) => step(id, 'not-reached'))];
  const kernel = base.value;
  const expected = attempt(() => expectedImage(kernel, value));
  if (expected.value === undefined)
    return [
      ...readSteps,
      ...PARTS.map(([id]) => step(id, id === 'layers' ? 'fail' : 'not-reached', expected.detail))
    ];
  return [...readSteps, ...compare(expected.value, value)];
}

/**
 * Verifies that an image is its kernel image and one revision layer. The image is compared, part by part, with the one that the
 * kernel image and the image's own last layer must give, so anything else in it (a layer, an entrypoint, a variable, a user, a
 * label, an annotation) is found. The content of the last layer is not checked; to check it, compose the image again from the
 * spec and the files.
 *
 * @throws CleanRoomError `digest-mismatch` with the differences as message, and the names of the failed steps, separated by
 * commas, as `details.failed`
 *
 * @example
 * The kernel image and the files are those of this package's tests.
 * ```ts
 * import { canonicalJson } from '@clean-room/protocol/documents';
 * import { composeImage, readImageConfig, verifyComposition } from '@clean-room/protocol/packaging';
 * import { kernelImage, revisionFile, specOver } from '../support/revision.js';
 *
 * const files = [revisionFile('notebook.ipynb', '{}')];
 * const image = await composeImage(kernelImage(), specOver(files), files);
 * verifyComposition({ kernelImage: kernelImage(), image });
 *
 * const { value } = readImageConfig(image.config);
 * const config = canonicalJson({ ...value, config: { ...value.config, User: '1000' } });
 * try {
 *   verifyComposition({ kernelImage: kernelImage(), image: { ...image, config } });
 * } catch (error) {
 *   console.log(error.details.failed); // user,bytes
 * }
 * ```
 */
export function verifyComposition(claim: CompositionClaim): void {
  const failed = appraise(claim).filter(({ status }) => status === 'fail');
  if (failed.length === 0) return;
  throw new CleanRoomError(
    'digest-mismatch',
    `The image is not the kernel image with one revision. Failed checks: ${failed.map(({ title, detail }) => `${title}. ${detail}`).join(' ')}`,
    { details: { failed: failed.map(({ id }) => id).join(',') } }
  );
}
