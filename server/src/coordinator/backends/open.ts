import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CoordinatorConfig } from '../config.js';
import type { TeeBackend } from './backend.js';

/** Opens the configured backend. Backends are loaded when needed, so that the simulator is not part of a production server. */
export async function openBackend({ backend, images }: CoordinatorConfig): Promise<TeeBackend> {
  switch (backend.kind) {
    case 'local': {
      if (images.kind !== 'layout') break;
      const { openLocalBackend } = await import('./local.js');
      return openLocalBackend(images.folder, backend.folder);
    }
    case 'confidential-space': {
      const { openConfidentialSpace } = await import('./confidential-space/backend.js');
      return openConfidentialSpace(backend);
    }
  }
  throw new CleanRoomError('backend-unavailable', 'The local backend needs images in a layout folder.', {
    remedy: 'Configure "images": { "kind": "layout", "folder": … }.'
  });
}
