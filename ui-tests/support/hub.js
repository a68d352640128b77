/** Serves a clean room in production to people who sign in through a real JupyterHub. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { environment } from '../../deployment/local/steps.js';
import { FOLDER, HUB, HUB_FOLDER, HUB_PORTS } from './environment.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const url = `http://127.0.0.1:${HUB_PORTS.coordinator}`;
const python = join(root, '.venv/bin/python');
/** The build for tests, which the program below makes. Its extension takes the place of the installed one. */
const extension = join(HUB_FOLDER, 'build/extension');

/** The providers, each with the program that writes its dataset as CSV. */
const PROVIDERS = [
  { party: 'hospital', title: 'Demo Hospital', dataset: 'hospital/visits', program: 'visits.py' },
  { party: 'insurer', title: 'Demo Insurer', dataset: 'insurer/claims', program: 'claims.py' }
];

/** Returns the environment of JupyterHub. */
function hubEnvironment() {
  return {
    ...environment(),
    CLEAN_ROOM_URL: url,
    CLEAN_ROOM_HOME: join(HUB_FOLDER, 'person'),
    CLEAN_ROOM_TEST_HUB: JSON.stringify({ ...HUB, folder: FOLDER, extension })
  };
}

const HUB_OPTIONS = ['--config', join(root, 'ui-tests/jupyterhub_test_config.py')];

/** Starts JupyterHub and waits until it answers. */
async function startHub() {
  const hub = spawn(join(root, '.venv/bin/jupyterhub'), HUB_OPTIONS, {
    cwd: HUB_FOLDER,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: hubEnvironment()
  });
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

/** Returns a token of the person, with which the rosters are published. */
function createToken() {
  const answer = execFileSync(join(root, '.venv/bin/jupyterhub'), ['token', HUB.user, ...HUB_OPTIONS], {
    cwd: HUB_FOLDER,
    env: hubEnvironment(),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore']
  });
  return answer.trim().split('\n').at(-1);
}

/** Starts the clean room, and waits until its datasets are provisioned. */
async function startProduction(token) {
  const data = {};
  for (const { party, dataset, program } of PROVIDERS) {
    data[dataset] = join(HUB_FOLDER, `${party}.csv`);
    execFileSync(python, [join(root, 'deployment/demo', program), data[dataset]]);
  }
  const options = {
    folder: HUB_FOLDER,
    port: HUB_PORTS.coordinator,
    providers: PROVIDERS.map(({ party, title, dataset }) => ({
      party,
      title,
      dataset,
      origin: `https://${party}.localhost:${HUB_PORTS[party]}`,
      port: HUB_PORTS[`${party}Service`]
    })),
    hubApi: `http://127.0.0.1:${HUB.api}/hub/api`,
    groups: { researchers: 'university', 'hospital-stewards': 'hospital', 'insurer-stewards': 'insurer' },
    token,
    data
  };
  const outfile = join(root, '.cache/ui-tests/production/main.mjs');
  await build({
    entryPoints: [join(root, 'server/test/production/main.ts')],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node24',
    logLevel: 'error'
  });
  const room = spawn(process.execPath, [outfile], {
    stdio: ['ignore', 'inherit', 'pipe'],
    env: { ...environment(), CLEAN_ROOM_TEST_PRODUCTION: JSON.stringify(options) }
  });
  const ready = new Promise(resolve => {
    let text = '';
    room.stderr.on('data', chunk => {
      process.stderr.write(chunk);
      text += chunk;
      if (text.endsWith('Everything is ready.\n')) resolve('ready');
    });
  });
  const ended = new Promise(resolve => room.once('exit', resolve));
  if ((await Promise.race([ready, ended])) !== 'ready') throw new Error('The clean room did not start.');
  return { room, ended };
}

/** Starts a clean room in production with a real JupyterHub, to test with its proxy, cookies, cross-site protection and tokens. */
export async function startHubCleanRoom() {
  mkdirSync(join(HUB_FOLDER, 'notebooks'), { recursive: true, mode: 0o700 });
  mkdirSync(join(HUB_FOLDER, 'labextensions/@clean-room'), { recursive: true });
  symlinkSync(
    join(extension, 'jupyterlab_clean_room/labextension'),
    join(HUB_FOLDER, 'labextensions/@clean-room/jupyterlab')
  );
  execFileSync('cp', ['-r', join(root, 'deployment/demo/costs.ipynb'), join(HUB_FOLDER, 'notebooks')]);
  const hub = await startHub();
  const token = createToken();
  writeFileSync(join(HUB_FOLDER, 'token'), token, { mode: 0o600 });
  const { room, ended } = await startProduction(token);
  return {
    async stop() {
      hub.kill('SIGTERM');
      room.kill('SIGTERM');
      await ended;
    }
  };
}
