import { CleanRoomError } from '@clean-room/protocol/errors';
import { requireAnswer } from '../answer.js';
import { FolderStore } from './folder.js';
import type { ObjectStore } from './store.js';

/**
 * Opens an object store. For Google Cloud Storage, the default credentials of the machine are used.
 *
 * @param url - `folder:<path>` or `gs://<bucket>[/<prefix>]`
 * @throws CleanRoomError `malformed` when the URL has another form, `not-found` or `forbidden` when the bucket does not exist or
 * has unsafe settings, `unavailable` when the store does not answer within seconds
 */
export async function openObjectStore(url: string): Promise<ObjectStore> {
  if (url.startsWith('folder:')) return FolderStore.open(url.slice('folder:'.length));
  const google = /^gs:\/\/(?<bucket>[a-z0-9][a-z0-9._-]{1,220})(?:\/(?<prefix>[A-Za-z0-9._/-]+))?$/.exec(url);
  const bucket = google?.groups?.['bucket'];
  if (bucket === undefined) {
    throw new CleanRoomError('malformed', `"${url}" is not the address of an object store.`, {
      remedy: 'Write "folder:<path>" or "gs://<bucket>/<prefix>".'
    });
  }
  const [{ Storage }, { GoogleCloudStorage }] = await Promise.all([
    import('@google-cloud/storage'),
    import('./google.js')
  ]);
  const prefix = google?.groups?.['prefix'];
  const store = new GoogleCloudStorage(
    new Storage(),
    bucket,
    prefix === undefined ? '' : `${prefix.replace(/\/$/, '')}/`
  );
  await requireAnswer(
    `The object store gs://${bucket}`,
    'Check the network and the credentials of this machine, or correct "objects" in the configuration.',
    () => store.requireSettings()
  );
  await requireAnswer('The IAM Service Account Credentials API', 'Check the network of this machine.', () =>
    store.requireSigning()
  );
  return store;
}
