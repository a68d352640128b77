import { Storage, type StorageOptions } from '@google-cloud/storage';
import { GoogleCloudStorage } from '../../src/platform/objects/google.js';
import { BUCKET, type FakeCloud } from '../cloud/cloud.js';

/** The prefix of the objects that tests store in a bucket. */
const PREFIX = 'objects/';

/**
 * Opens the object store in a bucket of a fake cloud. From then on, this process takes its Google credentials from the cloud's
 * metadata server.
 */
export function cloudObjects(
  cloud: FakeCloud,
  { bucket = BUCKET, ...options }: { readonly bucket?: string } & Pick<StorageOptions, 'retryOptions'> = {}
): GoogleCloudStorage {
  Object.assign(process.env, cloud.environment);
  const storage = new Storage({ ...cloud.storageClientOptions, ...options });
  return new GoogleCloudStorage(storage, bucket, PREFIX, cloud.signing);
}
