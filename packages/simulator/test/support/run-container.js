// A program that runs one container and prints how it ended. Tests start it as another user.
import { mkdirSync } from 'node:fs';
import { LayoutStore } from '@clean-room/oci/layout';
import { Container } from '../../lib/container/container.js';
import { readImage } from '../../lib/container/image.js';
import { UnpackedLayers } from '../../lib/container/unpack.js';

const options = JSON.parse(process.argv[2] ?? '');
mkdirSync(options.scratch);

async function run() {
  const store = await LayoutStore.open(options.layout);
  const image = await readImage(store, options.digest);
  const stack = await new UnpackedLayers(options.cache).stack(store, image.layers);
  const plan = {
    args: ['/bin/sh', '/clean-room/run.sh'],
    env: { PATH: '/bin', HOSTNAME: 'test-machine', ...options.environment },
    envOverride: {},
    cmdOverride: [],
    workingDirectory: '/',
    restartPolicy: 'Never',
    memoryMonitoring: false,
    logRedirect: options.environment.QUIET === undefined ? 'true' : 'false',
    mounts: options.mounts ?? [],
    sharedMemoryKilobytes: 0
  };
  const { scratch: folder, launcher: launcherFolder } = options;
  const container = await Container.prepare({
    folder,
    stack,
    launcherFolder,
    hostname: 'test-machine',
    plan
  });
  return { end: await container.run() };
}

const result = await run().catch(error => ({
  error: { code: error.code, message: error.message, remedy: error.remedy, stage: error.details?.stage }
}));
process.stdout.write(JSON.stringify(result));
