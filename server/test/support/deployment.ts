import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { digestOf, fromBase64, toBase64, utf8, type Digest } from '@clean-room/protocol/bytes';
import { generateSigningKey, type Envelope, type ReadDocument } from '@clean-room/protocol/documents';
import { Approval, type ApprovalBundle } from '@clean-room/protocol/approvals';
import { composeImage } from '@clean-room/protocol/packaging';
import { readSpec, Spec, SubmissionRequest, type Spec as SpecValue } from '@clean-room/protocol/submissions';
import { routes } from '@clean-room/api/coordinator';
import { Client } from '@clean-room/api';
import {
  DEFAULT_LIMITS,
  KernelImages,
  startCoordinator,
  type RunningCoordinator,
  type CoordinatorConfig,
  type CoordinatorOverrides
} from '../../src/coordinator/start.js';
import type { KernelImageOnFile } from '../../src/coordinator/images/kernel-images.js';
import { ManualBackend } from './backend.js';
import {
  assetOf,
  collaborationOf,
  makeParty,
  PURPOSE,
  RECIPIENT,
  rosterOf,
  syntheticKernelImage,
  type AssetOptions,
  type TestAsset,
  type TestParty
} from './parties.js';
import { NO_IMAGES } from './images.js';
import { testSimulator } from './simulator.js';
import { TestSupervisor, type SupervisorChanges, type SupervisorPlan } from './supervisor.js';

/** Differences from the usual deployment. */
export interface DeploymentOptions {
  readonly database: string;
  /** By default a development image. */
  readonly kernelImage?: KernelImageOnFile;
  readonly overrides?: CoordinatorOverrides;
  readonly config?: Partial<CoordinatorConfig>;
  readonly limits?: Partial<CoordinatorConfig['limits']>;
}

const digestOfEnvelope = (envelope: Envelope): Digest => digestOf(fromBase64(envelope.payload));

/**
 * A coordinator with four parties and their clients: a university that submits, two providers, and a stranger that is not a
 * member of their collaboration.
 */
export class TestDeployment {
  readonly parties = {
    university: makeParty('university'),
    hospital: makeParty('hospital'),
    insurer: makeParty('insurer'),
    stranger: makeParty('stranger')
  };
  readonly kernelImage: KernelImageOnFile;
  readonly backend = new ManualBackend();
  readonly personToken = randomBytes(32).toString('hex');
  readonly custodianTokens = new Map<string, string>();
  readonly logLines: string[] = [];
  assets: TestAsset[] = [];
  collaboration = collaborationOf([this.parties.university, this.parties.hospital, this.parties.insurer]);
  coordinator!: RunningCoordinator;
  folder!: string;
  #config!: CoordinatorConfig;
  #overrides!: CoordinatorOverrides;

  private constructor(kernelImage = syntheticKernelImage(generateSigningKey())) {
    this.kernelImage = kernelImage;
  }

  /** Returns the coordinator's URL. Tests that start the coordinator themselves replace this function. */
  address = (): string => this.coordinator.url;

  /** Prepares a deployment and starts its coordinator. */
  static async start(options: DeploymentOptions): Promise<TestDeployment> {
    const deployment = await TestDeployment.prepare(options);
    await deployment.restart();
    return deployment;
  }

  /** Prepares a deployment without starting its coordinator. */
  static async prepare(options: DeploymentOptions): Promise<TestDeployment> {
    const deployment = new TestDeployment(options.kernelImage);
    deployment.backend.roots = [(await testSimulator()).root];
    deployment.folder = await mkdtemp(path.join(tmpdir(), 'clean-room-deployment-'));
    await deployment.#prepare(options);
    return deployment;
  }

  async #prepare({ database, overrides = {}, config = {}, limits = {} }: DeploymentOptions): Promise<void> {
    const secret = async (name: string, text: string): Promise<string> => {
      const file = path.join(this.folder, name);
      await writeFile(file, text, { mode: 0o600 });
      return file;
    };
    const names = Object.keys(this.parties);
    for (const name of names) this.custodianTokens.set(name, randomBytes(32).toString('hex'));
    this.#config = {
      mode: 'development',
      listen: { host: '127.0.0.1', port: 0 },
      // Stays the same when the coordinator restarts on another port. Test supervisors replace it by the present address.
      supervisorUrl: 'http://supervisors.invalid',
      logLevel: 'info',
      database,
      objects: `folder:${path.join(this.folder, 'objects')}`,
      images: { kind: 'layout', folder: path.join(this.folder, 'images') },
      kernelImages: [],
      logKeyFile: await secret('log.key', randomBytes(32).toString('base64url')),
      jobSecretFile: await secret('job.secret', randomBytes(32).toString('base64url')),
      authentication: {
        kind: 'embedded',
        tokenFile: await secret('person.token', this.personToken),
        acts: names.map(party => ({ party, person: 'ada' }))
      },
      custodians: await Promise.all(
        names.map(async party => ({
          party,
          tokenFile: await secret(`${party}.token`, this.custodianTokens.get(party) ?? '')
        }))
      ),
      backend: { kind: 'local', folder: path.join(this.folder, 'attempts') },
      limits: { ...DEFAULT_LIMITS, watchSeconds: 1, ...limits },
      ...config
    };
    this.#overrides = {
      backend: this.backend,
      images: NO_IMAGES,
      kernelImages: new KernelImages([this.kernelImage]),
      logTo: { write: line => void this.logLines.push(line) },
      ...overrides
    };
  }

  /** Starts the coordinator, also after it was closed. */
  async restart(): Promise<void> {
    this.coordinator = await startCoordinator(this.#config, this.#overrides);
  }

  get overrides(): CoordinatorOverrides {
    return this.#overrides;
  }

  get config(): CoordinatorConfig {
    return this.#config;
  }

  /** Closes the coordinator and deletes its folder. */
  async stop(): Promise<void> {
    await this.coordinator.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  person(party: TestParty): Client {
    return new Client({ base: this.address(), token: () => this.personToken, party: party.name });
  }

  custodian(party: TestParty): Client {
    return new Client({
      base: this.address(),
      token: () => this.custodianTokens.get(party.name) ?? ''
    });
  }

  /** Returns the supervisor of a TEE that was started. */
  supervisor(plan: SupervisorPlan, changes?: SupervisorChanges): TestSupervisor {
    return new TestSupervisor(() => this.address(), plan, changes);
  }

  /** Publishes all rosters, the collaboration, and one asset of each provider. */
  async publishDocuments(options: { hospital?: AssetOptions; insurer?: AssetOptions } = {}): Promise<void> {
    const { university, hospital, insurer, stranger } = this.parties;
    for (const party of [university, hospital, insurer, stranger]) {
      await this.person(party).call(routes.publishRoster, { body: { roster: rosterOf(party) } });
    }
    await this.person(university).call(routes.publishCollaboration, {
      body: { collaboration: this.collaboration.envelope }
    });
    const { root } = await testSimulator();
    const open = {
      to: [university],
      collaboration: this.collaboration.read.digest,
      kernelImage: this.kernelImage,
      root
    };
    this.assets = [
      assetOf(hospital, 'visits', open, options.hospital),
      assetOf(insurer, 'claims', open, options.insurer)
    ];
    for (const asset of this.assets) await this.publishAsset(asset);
  }

  /** Uploads an asset's files and publishes it. */
  async publishAsset(asset: TestAsset): Promise<void> {
    const custodian = this.custodian(asset.provider);
    for (const bytes of [asset.sealed, asset.standIn]) {
      await custodian.upload(routes.putObject, { params: { digest: digestOf(bytes) } }, bytes);
    }
    await custodian.call(routes.publishAsset, { body: { version: asset.version, policy: asset.policy } });
  }

  /** Returns a spec for one notebook. */
  specOf(assets: readonly TestAsset[], notebook: Uint8Array, changes: Partial<SpecValue> = {}): SpecValue {
    return {
      format: 'clean-room.spec/v1',
      collaboration: this.collaboration.read.digest,
      purpose: PURPOSE,
      kernelImage: this.kernelImage.digest,
      workspace: [{ path: 'explore.ipynb', digest: digestOf(notebook), bytes: notebook.length }],
      notebook: 'explore.ipynb',
      parameters: '{}',
      assets: assets.map(asset => ({
        name: asset.name,
        version: digestOfEnvelope(asset.version),
        policy: digestOfEnvelope(asset.policy),
        custodian: asset.provider.custodian.publicKey
      })),
      submitter: this.parties.university.researcher.publicKey,
      recipients: [RECIPIENT],
      compute: { processors: 1, memoryBytes: 2 ** 30, accelerator: 'none' },
      ...changes
    };
  }

  /** Returns the body of a submission, signed over the image digest that the researcher computed. */
  async sign(
    spec: SpecValue,
    notebook: Uint8Array,
    by: TestParty = this.parties.university
  ): Promise<{ spec: string; request: Envelope }> {
    const { bytes, digest } = readSpec(Spec.write(spec));
    const files = spec.workspace.map(file => ({
      path: file.path,
      digest: file.digest,
      bytes: file.bytes,
      content: () => [notebook]
    }));
    const { imageDigest } = await composeImage(this.kernelImage, bytes, files);
    const request = SubmissionRequest.sign(
      {
        format: 'clean-room.submission-request/v1',
        spec: digest,
        image: imageDigest,
        submitter: by.researcher.publicKey
      },
      by.researcher
    );
    return { spec: toBase64(bytes), request };
  }

  /** Uploads a notebook and submits it. */
  async submit(
    assets: readonly TestAsset[] = this.assets,
    source = `print(${Math.random()})`
  ): Promise<{ id: string; image: Digest }> {
    const notebook = utf8(source);
    const client = this.person(this.parties.university);
    await client.upload(routes.putObject, { params: { digest: digestOf(notebook) } }, notebook);
    const body = await this.sign(this.specOf(assets, notebook), notebook);
    return client.call(routes.createSubmission, { body });
  }

  /** Returns an approval of the newest revision, signed by the provider's custodian. */
  async approval(provider: TestParty, id: string, changes: Partial<Approval> = {}): Promise<ApprovalBundle> {
    const submission = await this.custodian(provider).call(routes.getSubmission, { params: { id } });
    const revision = submission.revisions.at(-1)!;
    return this.approvalOf(provider, Spec.read(fromBase64(revision.spec)), revision.image, changes);
  }

  /** Returns an approval of a spec and its image, signed by the provider's custodian. */
  approvalOf(
    provider: TestParty,
    spec: ReadDocument<Spec>,
    image: Digest,
    changes: Partial<Approval> = {}
  ): ApprovalBundle {
    const value: Approval = {
      format: 'clean-room.approval/v1',
      provider: provider.name,
      custodian: provider.custodian.publicKey,
      image,
      spec: spec.digest,
      assets: spec.value.assets
        .filter(asset => asset.name.startsWith(`${provider.name}/`))
        .map(({ name, version, policy }) => ({ name, version, policy })),
      runs: 1,
      spareStarts: 0,
      approvedAt: '2026-01-01T00:00:00Z',
      expires: '2097-01-01T00:00:00Z',
      reviewer: 'ada',
      unattended: true,
      demo: true,
      coHosted: true,
      ...changes
    };
    return { envelope: Approval.sign(value, provider.custodian), roster: rosterOf(provider) };
  }

  /** Approves the newest revision for a provider. */
  async approve(provider: TestParty, id: string): Promise<void> {
    const body = await this.approval(provider, id);
    await this.custodian(provider).call(routes.approve, { params: { id }, body });
  }
}
