/**
 * Starts the coordinator of the build in whose folder `server` a copy of this file is. Only the addresses of Google's services are
 * given to it: Google's clients know no others.
 */
import { readFile } from 'node:fs/promises';
import { Storage } from '@google-cloud/storage';
import { Compute } from 'google-auth-library';
import { openConfidentialSpace } from './lib/coordinator/backends/confidential-space/backend.js';
import { startCoordinator } from './lib/coordinator/start.js';
import { GoogleCloudStorage } from './lib/platform/objects/google.js';

const { config: file, compute, storage, signing } = JSON.parse(process.env.CLEAN_ROOM_TEST_CLOUD);
const config = JSON.parse(await readFile(file, 'utf8'));
const [, bucket, prefix] = /^gs:\/\/([^/]+)\/(.+)$/.exec(config.objects);
const objects = new GoogleCloudStorage(new Storage(storage), bucket, `${prefix}/`, signing);
await objects.requireSettings();
const coordinator = await startCoordinator(config, {
  backend: await openConfidentialSpace(config.backend, { ...compute, authClient: new Compute() }),
  objects
});
process.on('SIGTERM', () => void coordinator.close().then(() => process.exit(0)));
process.stderr.write('Ready.\n');
