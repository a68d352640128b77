import { nodeEd25519 } from '@clean-room/node-support';
import { fromBase64 } from '@clean-room/protocol/bytes';
import { useEd25519, type Envelope } from '@clean-room/protocol/documents';
import {
  KernelImages,
  kernelImageOf,
  startCoordinator,
  type CoordinatorConfig
} from '../../src/coordinator/start.js';
import { ManualBackend } from '../../test/support/backend.js';
import { NO_IMAGES } from '../../test/support/images.js';

/** The message that starts the coordinator. */
export interface StartMessage {
  readonly config: CoordinatorConfig;
  readonly kernelImage: readonly [manifest: string, config: string, statement: Envelope];
}

useEd25519(nodeEd25519);

/* The measured coordinator, in its own process. */
process.on('message', ({ config, kernelImage: [manifest, imageConfig, statement] }: StartMessage) => {
  void startCoordinator(config, {
    backend: new ManualBackend(),
    images: NO_IMAGES,
    kernelImages: new KernelImages([kernelImageOf(fromBase64(manifest), fromBase64(imageConfig), statement)])
  }).then(({ url }) => process.send?.({ url }));
});
process.on('disconnect', () => process.exit());
