import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CleanRoom } from '../../deployment/local/clean-room.js';
import { FOLDER, HUB, HUB_PORTS } from './environment.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Configures the coordinator to authenticate people by their JupyterHub tokens, and returns its configuration file. */
function authenticateByHub(cleanRoom) {
  const file = join(cleanRoom.folder, 'coordinator/coordinator.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  config.authentication = {
    kind: 'jupyterhub',
    api: `http://127.0.0.1:${HUB.api}/hub/api`,
    service: 'clean-room',
    groups: { researchers: 'university', 'hospital-stewards': 'hospital', 'insurer-stewards': 'insurer' }
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

/** Starts JupyterHub and waits until it answers. */
async function startHub(cleanRoom) {
  const hub = spawn(
    join(root, '.venv/bin/jupyterhub'),
    ['--config', join(root, 'ui-tests/jupyterhub_test_config.py')],
    {
      cwd: cleanRoom.folder,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...cleanRoom.env,
        CLEAN_ROOM_URL: cleanRoom.url,
        CLEAN_ROOM_TEST_HUB: JSON.stringify({ ...HUB, folder: FOLDER })
      }
    }
  );
  const address = `http://127.0.0.1:${HUB.port}/hub/health`;
  while (
    !(await fetch(address).then(
      ({ ok }) => ok,
      () => false
    ))
  ) {
    if (hub.exitCode !== null) throw new Error(`JupyterHub ended with ${hub.exitCode}.`);
    await setTimeout(200);
  }
  return hub;
}

/** Starts a clean room with a real JupyterHub, to test with its proxy, cookies, cross-site protection and tokens. */
export async function startHubCleanRoom() {
  const cleanRoom = new CleanRoom(join(FOLDER, 'hub-clean-room'), HUB_PORTS);
  mkdirSync(cleanRoom.folder, { mode: 0o700 });
  cleanRoom.createDemo();
  await cleanRoom.serve();
  cleanRoom.provision();
  cleanRoom.copyNotebooks();
  await cleanRoom.stop();
  const coordinator = authenticateByHub(cleanRoom);
  const hub = await startHub(cleanRoom);
  const custodians = cleanRoom.providers.flatMap(({ custodian }) => ['--custodian', custodian]);
  await cleanRoom.serve('--coordinator', coordinator, ...custodians);
  return {
    async stop() {
      hub.kill('SIGTERM');
      await cleanRoom.stop();
    }
  };
}
