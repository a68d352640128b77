import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { scriptLayer, toolsLayer, writeImage } from '../../../../packages/simulator/test/support/image.js';
import { openLocalBackend } from '../../../src/coordinator/backends/local.js';
import { eventually } from '../../support/wait.js';
import { describeTeeBackend, type BackendUnderTest } from './contract.js';

/** Waits until it is stopped. */
const WAITS = 'sleep 3600 & wait';

async function prepare(): Promise<BackendUnderTest> {
  const root = await mkdtemp(path.join(tmpdir(), 'clean-room-backend-'));
  await chmod(root, 0o755);
  const layout = path.join(root, 'layout');
  const tools = await toolsLayer();
  const image = async (script: string) =>
    writeImage(layout, [tools, await scriptLayer(script)], {
      Entrypoint: ['/bin/sh', '/clean-room/run.sh'],
      Labels: { 'tee.launch_policy.allow_env_override': 'CLEAN_ROOM_JOB' }
    });
  const images = { waits: await image(WAITS), ends: await image('exit 0') };
  const folder = path.join(root, 'tees');
  const file = (attempt: string, name: string): string => path.join(folder, 'attempts', attempt, name);
  const read = (attempt: string, name: string): Promise<string | undefined> =>
    readFile(file(attempt, name), 'utf8').catch(() => undefined);
  return {
    open: () => openLocalBackend(layout, folder),
    openForeign: () => openLocalBackend(layout, path.join(root, 'foreign')),
    plan: (attempt, program) => ({
      attempt,
      image: images[program],
      tee: 'SIMULATED',
      processors: 1,
      memoryBytes: 2 ** 30,
      diskBytes: 2 ** 30,
      deadlineSeconds: 600,
      job: 'http://127.0.0.1:9/v1/jobs/x',
      labels: {}
    }),
    shortDeadlineSeconds: 1,
    passSeconds: seconds => delay(seconds * 1000),
    attestedMachine: async attempt => {
      const token = await eventually(async () => {
        const text = await read(attempt, 'launcher/attestation_verifier_claims_token');
        return text === undefined || text === '' ? undefined : text;
      });
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
        submods: { gce: { project_id: string; zone: string; instance_name: string } };
      };
      const { project_id, zone, instance_name } = claims.submods.gce;
      return { projectId: project_id, zone, instanceName: instance_name };
    },
    kill: async attempt => {
      const text = await eventually(() => read(attempt, 'claim.json'));
      process.kill((JSON.parse(text) as { pid: number }).pid, 'SIGKILL');
    },
    dispose: () => rm(root, { recursive: true, force: true })
  };
}

describeTeeBackend('the simulator as backend', prepare);
