import { nodeEd25519 } from '@clean-room/node-support';
import { fromBase64 } from '@clean-room/protocol/bytes';
import { useEd25519, type Envelope } from '@clean-room/protocol/documents';
import { Compute } from 'google-auth-library';
import { openConfidentialSpace } from '../../src/coordinator/backends/confidential-space/backend.js';
import type { ComputeOptions } from '../../src/coordinator/backends/confidential-space/credentials.js';
import type { ConfidentialSpaceSettings } from '../../src/coordinator/backends/confidential-space/settings.js';
import {
  KernelImages,
  kernelImageOf,
  startCoordinator,
  type CoordinatorConfig,
  type TeeBackend
} from '../../src/coordinator/start.js';
import { ManualBackend } from '../../test/support/backend.js';
import { NO_IMAGES } from '../../test/support/images.js';

/** The fake cloud in which the coordinator starts machines. */
export interface CloudAccess {
  readonly settings: ConfidentialSpaceSettings;
  readonly client: ComputeOptions;
  /** Environment variables with which Google's libraries find the metadata server. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The message that starts the coordinator. */
export interface StartMessage {
  readonly config: CoordinatorConfig;
  readonly kernelImage: readonly [manifest: string, config: string, statement: Envelope];
  /** Without it, the machines do nothing. */
  readonly cloud?: CloudAccess;
}

useEd25519(nodeEd25519);

async function backendOf(cloud: CloudAccess | undefined): Promise<TeeBackend> {
  if (cloud === undefined) return new ManualBackend();
  Object.assign(process.env, cloud.environment);
  return openConfidentialSpace(cloud.settings, { ...cloud.client, authClient: new Compute() });
}

/* The measured coordinator, in its own process. */
async function start({ config, kernelImage, cloud }: StartMessage): Promise<void> {
  const [manifest, imageConfig, statement] = kernelImage;
  const { url } = await startCoordinator(config, {
    backend: await backendOf(cloud),
    images: NO_IMAGES,
    kernelImages: new KernelImages([kernelImageOf(fromBase64(manifest), fromBase64(imageConfig), statement)])
  });
  process.send?.({ url });
}

process.on('message', (message: StartMessage) => void start(message));
process.on('disconnect', () => process.exit());
