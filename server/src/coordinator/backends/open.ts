import type { CoordinatorConfig } from '../config.js';
import type { TeeBackend } from './backend.js';

/** Loads a backend only when it is the one that is asked for: the simulator is never part of a production server. */
export async function openBackend(config: CoordinatorConfig): Promise<TeeBackend> {
  const { openLocalBackend } = await import('./local.js');
  return openLocalBackend(config.images, config.backend.folder);
}
