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

/** Every step of checking what an image is made of, in order. */
export const COMPOSITION_STEPS = {
  'kernel-image': 'The kernel image can be read and has no launch policy of its own',
  form: 'The image can be read',
  'base-digest': 'The image names this kernel image as its base',
  layers: 'The layers are those of the kernel image and one more',
  'config-digest': 'The config is the one that the manifest names',
  'diff-ids': 'The file system is made of these layers',
  entrypoint: 'The program is the kernel image’s',
  environment: 'The environment is the kernel image’s',
  user: 'The user is the kernel image’s',
  'working-folder': 'The working folder is the kernel image’s',
  labels: 'The labels are the kernel image’s and our launch policy',
  history: 'The history is the kernel image’s and one line more',
  platform: 'The platform is the kernel image’s, and the time of making is the epoch',
  bytes: 'Config and manifest are written exactly as we write them'
} as const;

export type CompositionStepId = keyof typeof COMPOSITION_STEPS;

/** `not-reached`: an earlier step, which this one needs, failed. */
export interface CompositionStep {
  readonly id: CompositionStepId;
  readonly title: string;
  readonly status: 'pass' | 'fail' | 'not-reached';
  /** What was found where it should not have been; empty when all is well. */
  readonly detail: string;
}

export interface CompositionClaim {
  readonly kernelImage: KernelImageFiles;
  readonly image: ImageFiles;
}

interface Opened {
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  readonly files: ImageFiles;
}

const PARTS: readonly (readonly [CompositionStepId, (image: Opened) => unknown])[] = [
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

function open(files: ImageFiles): Opened {
  return { manifest: readManifest(files.manifest).value, config: readImageConfig(files.config).value, files };
}

function textOf(value: unknown): string {
  return value === undefined ? 'nothing' : fromUtf8(canonicalJson(value));
}

function step(id: CompositionStepId, status: CompositionStep['status'], detail = ''): CompositionStep {
  return { id, title: COMPOSITION_STEPS[id], status, detail };
}

function compare(expected: Opened, actual: Opened): CompositionStep[] {
  return PARTS.map(([id, part]) => {
    const [wanted, found] = [textOf(part(expected)), textOf(part(actual))];
    if (wanted === found) return step(id, 'pass');
    return step(
      id,
      'fail',
      id === 'bytes' ? 'They differ.' : `It is ${found.slice(0, 400)}, not ${wanted.slice(0, 400)}.`
    );
  });
}

/** Runs `work` as a step of its own; `undefined` when it failed, and why. */
function attempt<T>(work: () => T): { readonly value?: T; readonly detail: string } {
  try {
    return { value: work(), detail: '' };
  } catch (error) {
    if (error instanceof CleanRoomError) return { detail: error.message };
    throw error;
  }
}

function expectedImage(kernelImage: KernelImageDocuments, image: Opened): Opened {
  const layer = image.manifest.layers.at(-1);
  if (layer === undefined) throw new CleanRoomError('malformed', 'The image has no layers.');
  return open(imageOver(kernelImage, layer));
}

/**
 * Compares an image with what its kernel image and its own last layer must give, part by part: whatever else is in it (a
 * layer, an entrypoint, a variable, a user, a label, an annotation) fails the step of its name. What the last layer
 * holds, only composing it anew can tell.
 */
export function appraiseComposition({ kernelImage, image }: CompositionClaim): CompositionStep[] {
  const base = attempt(() => readKernelImage(kernelImage));
  const actual = attempt(() => open(image));
  const opening = [
    step('kernel-image', base.value === undefined ? 'fail' : 'pass', base.detail),
    step('form', actual.value === undefined ? 'fail' : 'pass', actual.detail)
  ];
  const { value } = actual;
  if (base.value === undefined || value === undefined)
    return [...opening, ...PARTS.map(([id]) => step(id, 'not-reached'))];
  const kernel = base.value;
  const expected = attempt(() => expectedImage(kernel, value));
  if (expected.value === undefined)
    return [
      ...opening,
      ...PARTS.map(([id]) => step(id, id === 'layers' ? 'fail' : 'not-reached', expected.detail))
    ];
  return [...opening, ...compare(expected.value, value)];
}

/**
 * @throws CleanRoomError `digest-mismatch` naming every step of {@link appraiseComposition} that failed
 */
export function verifyComposition(claim: CompositionClaim): void {
  const failed = appraiseComposition(claim).filter(({ status }) => status === 'fail');
  if (failed.length === 0) return;
  throw new CleanRoomError(
    'digest-mismatch',
    `The image is not the kernel image with one revision. ${failed.map(({ title, detail }) => `Not so: ${title}. ${detail}`).join(' ')}`,
    { details: { failed: failed.map(({ id }) => id).join(',') } }
  );
}
