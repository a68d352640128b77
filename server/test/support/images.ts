import type { ImagePublisher } from '../../src/coordinator/start.js';

/** A publisher for tests whose TEEs do not start from images. */
export const NO_IMAGES: ImagePublisher = {
  publish: async image => `registry.example/revisions@${image}`,
  remove: async () => undefined,
  ping: async () => undefined
};
