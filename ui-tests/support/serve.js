/**
 * Serves what the tests use: the clean room with demo data in its own folder, two JupyterLabs (one configured for it, one for
 * no clean room), and another clean room with a JupyterHub. Runs until Playwright ends it.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CleanRoom } from '../../deployment/local/clean-room.js';
import { startHubCleanRoom } from './hub.js';
import { FOLDER, LAB, LAB_WITHOUT, PORTS } from './environment.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

function startLab(name, port, env) {
  const files = join(FOLDER, name);
  mkdirSync(files, { recursive: true });
  const config = join(root, 'ui-tests/jupyter_server_test_config.py');
  return spawn(join(root, '.venv/bin/jupyter'), ['lab', '--config', config], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...env,
      CLEAN_ROOM_TEST_PORT: String(port),
      CLEAN_ROOM_STAND_INS: join(FOLDER, 'stand-ins'),
      JUPYTERLAB_GALATA_ROOT_DIR: files
    }
  });
}

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
process.env.CLEAN_ROOM_STAND_INS = join(FOLDER, 'stand-ins');
const cleanRoom = new CleanRoom(join(FOLDER, 'clean-room'), PORTS);
mkdirSync(cleanRoom.folder, { mode: 0o700 });
cleanRoom.createDemo();
await cleanRoom.serve();
cleanRoom.provision();
cpSync(join(root, 'deployment/demo'), join(FOLDER, 'demo'), { recursive: true });
// Only root can run the services as different users. Without root, the test of production is skipped, but never in CI.
const needsHub = process.getuid() === 0 || process.env.CI !== undefined;
const hubCleanRoom = needsHub ? await startHubCleanRoom() : undefined;
const labs = [
  startLab('lab', LAB, cleanRoom.env),
  startLab('lab-without', LAB_WITHOUT, { ...cleanRoom.env, CLEAN_ROOM_HOME: join(FOLDER, 'no-clean-room') })
];

async function stop() {
  labs.forEach(lab => lab.kill('SIGTERM'));
  await hubCleanRoom?.stop();
  await cleanRoom.stop();
  process.exit(0);
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
