import { RegistryStore } from '@clean-room/oci';
import { digestOf, fromBase64, utf8, type Digest } from '@clean-room/protocol/bytes';
import type { PkiRoot } from '@clean-room/protocol/attestation';
import { JOB_VARIABLE } from '@clean-room/protocol/jobs';
import { routes, type Run } from '@clean-room/api/coordinator';
import { openConfidentialSpace } from '../../src/coordinator/backends/confidential-space/backend.js';
import { instanceName } from '../../src/coordinator/backends/confidential-space/names.js';
import { googleCredentials } from '../../src/coordinator/images/google-credentials.js';
import { RegistryPublisher } from '../../src/coordinator/images/registry-publisher.js';
import { Compute } from 'google-auth-library';
import type { TeeBackend } from '../../src/coordinator/start.js';
import { FakeCloud, PROJECT, WORKLOAD } from '../../test/cloud/cloud.js';
import { ScriptedGuests, type ScriptedGuest } from '../../test/cloud/guests/scripted.js';
import { cloudObjects } from '../../test/support/cloud-objects.js';
import { TestDeployment } from '../../test/support/deployment.js';
import { startPostgres, type PostgresServer } from '../../test/support/postgres.js';
import { testSimulator } from '../../test/support/simulator.js';
import { keyRelease, TestSupervisor } from '../../test/support/supervisor.js';
import { eventually } from '../../test/support/wait.js';

const ZONES = ['europe-west4-a', 'europe-west4-b'];
const ENDED: readonly string[] = ['completed', 'failed', 'cancelled'];
/** Seconds after which a run that has not ended counts as stuck. */
const LONGEST_SECONDS = 180;

/**
 * Returns a backend whose machines count as simulated, because those that a test plays have tokens of the simulator. Everything
 * else is done by the given backend.
 */
function withSimulatedTokens(backend: TeeBackend, root: PkiRoot): TeeBackend {
  const shapes = backend.capabilities.shapes.map(shape => ({ ...shape, tee: 'SIMULATED' as const }));
  return {
    sealedFor: 'simulation',
    roots: [root],
    capabilities: { tees: ['SIMULATED'], shapes },
    start: plan => backend.start({ ...plan, tee: 'TDX' }),
    statuses: attempts => backend.statuses(attempts),
    stop: attempt => backend.stop(attempt),
    list: () => backend.list(),
    machineOf: attempt => backend.machineOf(attempt)
  };
}

/** A run that has ended, and what it left. */
export interface Outcome {
  /** Undefined if it did not end. */
  readonly run: Run | undefined;
  /** The number of machines that still exist. */
  readonly machines: number;
  /** The greatest number of machines that one attempt had. */
  readonly machinesPerAttempt: number;
  /** Whether the output can be fetched, and is the one that the machine has sealed. */
  readonly output: boolean;
}

/** A coordinator on the fake cloud, whose machines play a supervisor, and the custodian of one provider. */
export class CloudRoom {
  readonly #boots = new Map<string, number>();
  readonly #outputs = new Set<Digest>();
  #specs = new Map<string, Uint8Array>();
  #closed = false;

  private constructor(
    readonly cloud: FakeCloud,
    guests: ScriptedGuests,
    private readonly deployment: TestDeployment,
    private readonly postgres: PostgresServer
  ) {
    guests.script = guest => void this.#play(guest).catch(() => guest.powerOff());
  }

  static async start(): Promise<CloudRoom> {
    const guests = new ScriptedGuests();
    const cloud = await FakeCloud.start({ guests });
    Object.assign(process.env, cloud.environment);
    const at = (name: string): string => `http://${cloud.registryHost}/${PROJECT.id}/${name}`;
    const [repository, kernelImages] = [at('runs/revisions'), at('kernels/kernel-images')];
    const credentials = await googleCredentials();
    const postgres = await startPostgres();
    const deployment = await TestDeployment.prepare({
      database: await postgres.createDatabase(),
      config: { logLevel: 'silent' },
      limits: { requestsPerMinute: 1_000_000, lostSeconds: 5 },
      overrides: {
        objects: cloudObjects(cloud),
        images: new RegistryPublisher({ repository, kernelImages }, { credentials }),
        backend: withSimulatedTokens(
          await openConfidentialSpace(
            {
              kind: 'confidential-space',
              project: PROJECT.id,
              deployment: 'faults',
              zones: ZONES,
              subnetwork: 'clean-room',
              serviceAccount: WORKLOAD.email,
              tees: ['TDX'],
              spot: false,
              dollarsPerHour: {}
            },
            { ...cloud.computeClientOptions, authClient: new Compute() }
          ),
          (await testSimulator()).root
        )
      }
    });
    const kernels = RegistryStore.open(kernelImages, { credentials });
    const layer = utf8('layer');
    await kernels.writeBlob(digestOf(layer), layer.length, async function* () {
      yield layer;
    });
    const room = new CloudRoom(cloud, guests, deployment, postgres);
    await deployment.restart();
    await deployment.publishDocuments();
    void room.#actAsCustodian();
    return room;
  }

  /** Submits and approves a notebook, and waits until its run has ended and its machine is gone. */
  async run(): Promise<Outcome> {
    const { university, hospital } = this.deployment.parties;
    const person = this.deployment.person(university);
    const { id } = await repeated(() => this.deployment.submit(this.deployment.assets.slice(0, 1)));
    await repeated(() => this.deployment.approve(hospital, id));
    const run = await eventually(async () => {
      const { runs, revisions } = await person.call(routes.getSubmission, { params: { id } });
      const [newest, revision] = [runs.at(-1), revisions.at(-1)];
      if (revision !== undefined) this.#specs.set(revision.image, fromBase64(revision.spec));
      return newest !== undefined && ENDED.includes(newest.state) ? newest : undefined;
    }, LONGEST_SECONDS).catch(() => undefined);
    const details =
      run === undefined ? undefined : await person.call(routes.getRun, { params: { id: run.id } });
    const { size } = this.cloud.fleet;
    await eventually(() => (this.cloud.fleet.size === 0 ? true : undefined), size === 0 ? 1 : 60).catch(
      () => undefined
    );
    const output = details?.output;
    const bytes =
      output === undefined
        ? undefined
        : await person.downloadBytes(routes.getObject, { params: { digest: output } });
    return {
      run: details,
      machines: this.cloud.fleet.size,
      machinesPerAttempt: Math.max(0, ...this.#boots.values()),
      output: bytes !== undefined && output === digestOf(bytes) && this.#outputs.has(output)
    };
  }

  async #play(guest: ScriptedGuest): Promise<void> {
    const { instance, metadata } = guest.spec;
    this.#boots.set(instance.name, (this.#boots.get(instance.name) ?? 0) + 1);
    const job = metadata[`tee-env-${JOB_VARIABLE}`] ?? '';
    const image = (metadata['tee-image-reference'] ?? '').split('@').at(-1) as Digest;
    const attempt = new URL(job).pathname.split('/').at(-1) ?? '';
    if (instanceName(attempt) !== instance.name)
      throw new Error('the machine has another name than its attempt');
    const { projectId, zone, name } = instance;
    const supervisor = new TestSupervisor(
      () => this.deployment.address(),
      { attempt, image, job },
      {
        machine: { projectId, zone, instanceName: name }
      }
    );
    const spec = await eventually(() => this.#specs.get(image));
    const document = await repeated(() => supervisor.document());
    await repeated(() => supervisor.reportProgress({ phase: 'awaiting-keys' }));
    const [approval] = document.approvals;
    if (approval === undefined) throw new Error('the job has no approval');
    const message = await supervisor.keyRequest(spec, approval, document.collaboration);
    const request = await repeated(() => supervisor.sendKeyRequest(message));
    const reply = await repeated(() => supervisor.keyReply(request));
    if (!('answer' in reply)) throw new Error('the custodian refused');
    await repeated(() => supervisor.reportProgress({ phase: 'running', cell: 0, cells: 1 }));
    const result = await repeated(() => supervisor.uploadOutput(spec, [reply.answer]));
    result.outputs.forEach(output => this.#outputs.add(output));
    await repeated(() => supervisor.postResult(result));
    guest.powerOff();
  }

  async #actAsCustodian(): Promise<void> {
    const { hospital } = this.deployment.parties;
    const custodian = this.deployment.custodian(hospital);
    while (!this.#closed) {
      const { items } = await custodian.call(routes.listKeyRequests, {}).catch(() => ({ items: [] }));
      for (const { request, message } of items) {
        const answer = keyRelease(hospital, message);
        await custodian
          .call(routes.answerKeyRequest, { params: { request }, body: { answer } })
          .catch(() => undefined);
      }
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }

  async stop(): Promise<void> {
    this.#closed = true;
    this.cloud.faults.clear();
    await this.deployment.stop();
    await this.cloud.stop();
    await this.postgres.stop();
  }
}

/** Repeats what a supervisor and a person repeat: a call that failed because of the network or an unavailable service. */
async function repeated<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === 20) throw error;
      await new Promise(resolve => setTimeout(resolve, 250));
    }
  }
}
