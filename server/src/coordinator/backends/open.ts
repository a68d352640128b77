import type { CoordinatorConfig } from '../config.js';
import type { TeeBackend } from './backend.js';

/** Opens the configured backend. Backends are loaded when needed, so that the simulator is not part of a production server. */
export async function openBackend(config: CoordinatorConfig): Promise<TeeBackend> {
  if (config.backend.kind === 'confidential-space') {
    const { openConfidentialSpace } = await import('./confidential-space/backend.js');
    return openConfidentialSpace(config.backend);
  }
  const { openLocalBackend } = await import('./local.js');
  return openLocalBackend(config.images, config.backend.folder);
}
