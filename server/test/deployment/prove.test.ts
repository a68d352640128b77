import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Compute } from 'google-auth-library';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { ATTEMPT_AUDIENCE, registrationNonce } from '@clean-room/protocol/jobs';
import { generateAttemptKey } from '@clean-room/protocol/key-release';
import { FakeCloud, PROJECT, WORKLOAD } from '../cloud/cloud.js';
import { AttestationAuthority } from '../cloud/guests/attestation-authority.js';
import { ScriptedGuests, type ScriptedGuest } from '../cloud/guests/scripted.js';

const IMAGE = digestOf(utf8('an image'));
const VARIABLE = 'tee-env-CLEAN_ROOM_JOB';

const SETTINGS = {
  kind: 'confidential-space',
  project: PROJECT.id,
  deployment: 'main',
  zones: ['europe-west4-a', 'us-central1-a'],
  subnetwork: 'clean-room',
  serviceAccount: WORKLOAD.email,
  tees: ['TDX', 'SEV'],
  spot: false,
  dollarsPerHour: {}
};

interface Step {
  readonly title: string;
  readonly result: string;
  readonly facts: Record<string, unknown> & { readonly error?: string };
}
interface Prove {
  prove(settings: object, options: object): Promise<{ readonly steps: readonly Step[] }>;
  reportText(report: object): string;
}

let script: Prove;
let cloud: FakeCloud;
let authority: AttestationAuthority;
const guests = new ScriptedGuests();

/** Plays the launcher and the supervisor of a machine. `change` changes the container that the token describes. */
async function play(guest: ScriptedGuest, change: object = {}): Promise<void> {
  const { spec, machine } = guest;
  machine.serial('[    0.000000] Linux version 6.1.90+ (builder@localhost) #1 SMP');
  machine.serial('[    0.100000] Memory Encryption Features active: Intel TDX');
  const variables = Object.keys(spec.metadata).filter(key => key.startsWith('tee-env-'));
  const forbidden = variables.find(key => key !== VARIABLE);
  if (forbidden !== undefined) {
    const message = `env var {${forbidden.slice('tee-env-'.length)} x} is not allowed to be overridden on this image`;
    machine.log({ severity: 'ERROR', message });
    machine.serial(`TEE container launcher exiting exit_code=1 exit_msg="${message}"`);
    guest.powerOff();
    return;
  }
  const job = spec.metadata[VARIABLE] ?? '';
  const key = await generateAttemptKey();
  const { name, id, zone, projectId, projectNumber } = spec.instance;
  const source = authority.sourceFor(
    {
      machine: {
        projectId,
        projectNumber,
        zone,
        instanceName: name,
        instanceId: id,
        serviceAccounts: [WORKLOAD.email]
      },
      container: {
        imageReference: spec.metadata['tee-image-reference'] ?? '',
        imageDigest: IMAGE,
        imageId: IMAGE,
        args: ['/supervisor'],
        env: { CLEAN_ROOM_JOB: job },
        envOverride: { CLEAN_ROOM_JOB: job },
        cmdOverride: [],
        ...change
      }
    },
    spec
  );
  const nonces = [registrationNonce(key.publicKey, job)];
  const token = await source.issue({ kind: 'pki', audience: ATTEMPT_AUDIENCE, nonces });
  const body = JSON.stringify({ attemptKey: key.publicKey, token });
  const registered = await fetch(`${job}/registration`, { method: 'POST', body });
  expect(await registered.json()).toMatchObject({ secret: expect.anything() });
  expect((await fetch(job)).status).toBe(404);
}

beforeAll(async () => {
  script = (await import(String(new URL('../../../deployment/prove/prove.js', import.meta.url)))) as Prove;
  authority = new AttestationAuthority();
  cloud = await FakeCloud.start({ guests });
  Object.assign(process.env, cloud.environment);
}, 60_000);
afterAll(async () => {
  expect(cloud.fleet.size).toBe(0);
  await cloud.stop();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

async function prove(changes: object = {}) {
  const port = await freePort();
  const auth = new Compute();
  return script.prove(SETTINGS, {
    image: `europe-west4-docker.pkg.dev/${PROJECT.id}/runs/notebook@${IMAGE}`,
    address: `http://127.0.0.1:${port}`,
    listen: { host: '127.0.0.1', port },
    auth,
    computeUrl: cloud.computeUrl,
    computeOptions: { ...cloud.computeClientOptions, authClient: auth },
    loggingUrl: cloud.loggingUrl,
    roots: [authority.root],
    waitSeconds: 10,
    pollMs: 20,
    ...changes
  });
}

test('finds on the fake cloud what the clean room expects, and leaves nothing', async () => {
  guests.script = guest => void play(guest);
  const report = await prove();
  expect(report.steps.map(({ title, result, facts }) => [title, result, facts.error])).toEqual([
    ['Boot image', 'as expected', undefined],
    ['Machine types', 'as expected', undefined],
    ['Quotas', 'as expected', undefined],
    ['A TDX machine: boot time, kernel, sandbox, attestation', 'as expected', undefined],
    ['A SEV machine: boot time, kernel, sandbox, attestation', 'as expected', undefined],
    ['The launcher refuses a variable that the image does not allow', 'as expected', undefined],
    ['Everything is deleted', 'as expected', undefined]
  ]);
  expect(report.steps[3]?.facts).toMatchObject({
    machineType: 'c3-standard-4',
    kernel: { memoryEncryption: 'Memory Encryption Features active: Intel TDX', commandLine: null },
    verification: []
  });
  expect(cloud.fleet.size).toBe(0);
  const text = script.reportText(report);
  expect(text).toMatch(/^Project clean-room-test, /);
  expect(text).toContain('Everything is deleted: as expected');
}, 60_000);

test('shows each claim that differs, and that a root is not Google’s', async () => {
  guests.script = guest => void play(guest, { restartPolicy: 'Always' });
  const report = await prove({ roots: undefined });
  const { result, facts } = report.steps[3]!;
  expect(result).toBe('different');
  const different = (facts['expectations'] as { claim: string; holds: boolean }[]).filter(
    ({ holds }) => !holds
  );
  expect(different).toEqual([{ claim: 'restart_policy', expected: 'Never', found: 'Always', holds: false }]);
  expect(facts['verification']).not.toEqual([]);
}, 60_000);

test('goes on after a step that fails, says why, and deletes the machines', async () => {
  guests.script = guest => void play(guest);
  cloud.fleet.quotas.set('C3_CPUS', 0);
  const report = await prove({ waitSeconds: 2 });
  cloud.fleet.quotas.clear();
  expect(report.steps.map(({ result }) => result)).toEqual([
    'as expected',
    'as expected',
    'different',
    'failed',
    'as expected',
    'failed',
    'as expected'
  ]);
  expect(report.steps[3]?.facts.error).toMatch(/QUOTA_EXCEEDED/);
}, 60_000);
