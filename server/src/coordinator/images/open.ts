import { dockerCredentials } from '@clean-room/oci';
import { requireAnswer } from '../../platform/answer.js';
import type { CoordinatorConfig } from '../config.js';
import { LayoutPublisher } from './layout-publisher.js';
import type { ImagePublisher } from './publisher.js';
import { googleCredentials } from './google-credentials.js';
import { RegistryPublisher } from './registry-publisher.js';

/**
 * Opens the configured store of images.
 *
 * @throws CleanRoomError `malformed`, `registry-failed` or `unavailable` when a registry does not answer within seconds
 */
export async function openPublisher(images: CoordinatorConfig['images']): Promise<ImagePublisher> {
  if (images.kind === 'layout') return LayoutPublisher.open(images.folder);
  const credentials = images.credentials === 'google' ? await googleCredentials() : dockerCredentials();
  const publisher = new RegistryPublisher(images, { credentials });
  await requireAnswer(
    `The registry of ${images.repository}`,
    'Start the registry, or correct "images" in the configuration.',
    () => publisher.ping()
  );
  return publisher;
}
