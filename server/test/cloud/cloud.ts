import { CloudClock } from './clock.js';
import { CatalogueApi } from './compute/catalogue-api.js';
import { Fleet, type ComputeLatencies } from './compute/fleet.js';
import { InstancesApi } from './compute/instances-api.js';
import { ComputeProject } from './compute/methods.js';
import { OperationsApi } from './compute/operations-api.js';
import { Operations } from './compute/operations.js';
import type { GuestSystem } from './guest.js';
import { ScriptedGuests } from './guests/scripted.js';
import type { ApiError } from './http/api-error.js';
import { ApiServer, type Reply, type Route } from './http/api-server.js';
import { FaultPlan } from './http/faults.js';
import {
  ArtifactRegistry,
  registryErrorReply,
  type RepositoryOptions
} from './registry/artifact-registry.js';
import { Accounts, type AccountOptions } from './identity/accounts.js';
import { IamCredentials } from './identity/credentials.js';
import { MetadataServer } from './identity/metadata-server.js';
import { Logging } from './logging/logging.js';
import { Bucket, type BucketOptions } from './storage/bucket.js';
import { StorageJsonApi } from './storage/json-api.js';
import { Uploads } from './storage/uploads.js';
import { StorageXmlApi } from './storage/xml-api.js';

/** Settings of a fake cloud. */
export interface FakeCloudOptions {
  /** The software of its machines; default are guests that a test plays. */
  readonly guests?: GuestSystem;
  /** Durations in milliseconds; default are short ones. */
  readonly latencies?: Partial<ComputeLatencies>;
  /** The delay of each answer in milliseconds. */
  readonly latency?: () => number;
  /** Lifetime of access tokens. */
  readonly tokenSeconds?: number;
  /** The repositories of Artifact Registry by name; default are `runs` and `kernels`. */
  readonly repositories?: Readonly<Record<string, RepositoryOptions>>;
  /** The buckets of Cloud Storage by name; default is `BUCKET`. */
  readonly buckets?: Readonly<Record<string, BucketOptions>>;
  /** The longest validity of a signed URL; default are the 15 minutes that the clean room promises. */
  readonly longestSignedUrlSeconds?: number;
  /** Service accounts besides `COORDINATOR` and `WORKLOAD`, or in their place. */
  readonly accounts?: readonly AccountOptions[];
}

/** The project in which everything is. */
export const PROJECT = { id: 'clean-room-test', number: '123456789012' };

/** The coordinator's service account. */
export const COORDINATOR: AccountOptions = {
  email: `coordinator@${PROJECT.id}.iam.gserviceaccount.com`,
  roles: [
    'roles/compute.instanceAdmin.v1',
    'roles/iam.serviceAccountUser',
    'roles/iam.serviceAccountTokenCreator',
    'roles/logging.viewer',
    'roles/artifactregistry.repoAdmin',
    'roles/storage.objectUser',
    'roles/storage.legacyBucketReader'
  ]
};

/** The service account of the machines that run notebooks. */
export const WORKLOAD: AccountOptions = {
  email: `workload@${PROJECT.id}.iam.gserviceaccount.com`,
  roles: [
    'roles/confidentialcomputing.workloadUser',
    'roles/artifactregistry.reader',
    'roles/logging.logWriter'
  ]
};

/** The subnetworks of the project, as `region/name`. */
const SUBNETWORKS = ['europe-west4/clean-room', 'us-central1/clean-room'];

/** The bucket of the project. */
export const BUCKET = 'clean-room-objects';

const LATENCIES: ComputeLatencies = { provisioning: 5, staging: 5, stopping: 5, shutdown: 90_000 };

/** The server of each API. */
type Servers = Readonly<
  Record<'compute' | 'metadata' | 'iamCredentials' | 'logging' | 'registry' | 'storage', ApiServer>
>;

/**
 * Google Cloud on loopback: the APIs that the clean room uses, over HTTP with Google's formats, refusing what Google refuses.
 * Google's client libraries talk to it.
 *
 * @example
 * ```ts
 * const cloud = await FakeCloud.start();
 * cloud.faults.plan({ call: 'compute.instances.insert', fault: { kind: 'stockout' } });
 * const instances = new InstancesClient(cloud.computeClientOptions());
 * ```
 */
export class FakeCloud {
  private constructor(
    readonly clock: CloudClock,
    readonly faults: FaultPlan,
    readonly accounts: Accounts,
    readonly fleet: Fleet,
    private readonly artifactRegistry: ArtifactRegistry,
    readonly buckets: Map<string, Bucket>,
    private readonly servers: Servers
  ) {}

  static async start(options: FakeCloudOptions = {}): Promise<FakeCloud> {
    const clock = new CloudClock();
    const faults = new FaultPlan();
    const accounts = new Accounts(
      clock,
      [COORDINATOR, WORKLOAD, ...(options.accounts ?? [])],
      options.tokenSeconds ?? 3599
    );
    const logging = new Logging(clock, accounts, PROJECT.id);
    const operations = new Operations(clock);
    const fleet = new Fleet({
      project: PROJECT,
      clock,
      operations,
      guests: options.guests ?? new ScriptedGuests(),
      accounts,
      log: logging,
      latencies: { ...LATENCIES, ...options.latencies }
    });
    const project = new ComputeProject(PROJECT.id, accounts);
    const instances = new InstancesApi({ clock, operations, fleet, project, subnetworks: SUBNETWORKS });
    const compute = [
      ...instances.routes,
      ...new OperationsApi(project, operations, clock).routes,
      ...new CatalogueApi(project).routes
    ];
    const metadata = new MetadataServer({
      clock,
      accounts,
      project: PROJECT,
      zone: 'europe-west4-a',
      email: COORDINATOR.email
    });
    const registry = await ArtifactRegistry.start({
      accounts,
      project: PROJECT.id,
      location: 'europe-west4',
      repositories: options.repositories ?? { runs: {}, kernels: { immutableTags: true } }
    });
    const buckets = new Map(
      Object.entries(options.buckets ?? { [BUCKET]: {} }).map(([name, settings]) => [
        name,
        new Bucket(name, settings, clock)
      ])
    );
    const storage = { accounts, uploads: new Uploads(clock), bucket: (name: string) => buckets.get(name) };
    const xmlApi = new StorageXmlApi({
      ...storage,
      now: () => clock.now(),
      longestSignedUrlSeconds: options.longestSignedUrlSeconds ?? 900
    });
    const serve = (routes: readonly Route[], errorReply?: (error: ApiError) => Reply): Promise<ApiServer> =>
      ApiServer.start({
        clock,
        faults,
        latency: options.latency ?? (() => 0),
        routes,
        ...(errorReply === undefined ? {} : { errorReply })
      });
    return new FakeCloud(clock, faults, accounts, fleet, registry, buckets, {
      compute: await serve(compute),
      metadata: await serve(metadata.routes),
      iamCredentials: await serve(new IamCredentials(accounts).routes),
      logging: await serve(logging.routes),
      registry: await serve(registry.routes, registryErrorReply),
      storage: await serve([...new StorageJsonApi(storage).routes, ...xmlApi.routes])
    });
  }

  /** The address of the Compute API. */
  get computeUrl(): string {
    return this.servers.compute.url;
  }

  /** The address of the IAM Service Account Credentials API. */
  get iamCredentialsUrl(): string {
    return this.servers.iamCredentials.url;
  }

  /** The address of the Cloud Logging API. */
  get loggingUrl(): string {
    return this.servers.logging.url;
  }

  /** The host of Artifact Registry, as in `host/project/repository/image`. */
  get registryHost(): string {
    return `127.0.0.1:${this.servers.registry.port}`;
  }

  /** The address of Cloud Storage, of its JSON and XML APIs. */
  get storageUrl(): string {
    return this.servers.storage.url;
  }

  /** Environment variables with which Google's libraries find the metadata server. */
  get environment(): Readonly<Record<string, string>> {
    return {
      GCE_METADATA_HOST: `127.0.0.1:${this.servers.metadata.port}`,
      METADATA_SERVER_DETECTION: 'assume-present'
    };
  }

  /** Options with which a client of the Compute API talks to this cloud, given `authClient`. */
  get computeClientOptions(): { apiEndpoint: string; port: number; protocol: string; fallback: true } {
    return { apiEndpoint: '127.0.0.1', port: this.servers.compute.port, protocol: 'http', fallback: true };
  }

  /**
   * Options with which the client of Cloud Storage talks to this cloud. With the address as universe, it sends its access token
   * also with resumable uploads, which it otherwise sends without one to any host but Google's.
   */
  get storageClientOptions(): {
    apiEndpoint: string;
    projectId: string;
    universeDomain: string;
    useAuthWithCustomEndpoint: true;
  } {
    return {
      apiEndpoint: this.storageUrl,
      projectId: PROJECT.id,
      universeDomain: '127.0.0.1',
      useAuthWithCustomEndpoint: true
    };
  }

  /** Creates a bucket. */
  createBucket(name: string, options: BucketOptions): void {
    this.buckets.set(name, new Bucket(name, options, this.clock));
  }

  /** Settings with which signed addresses of this cloud are made. */
  get signing(): { readonly endpoint: string } {
    return { endpoint: `${this.iamCredentialsUrl}/v1/projects/-/serviceAccounts/` };
  }

  /** Stops all machines and servers. */
  async stop(): Promise<void> {
    await this.fleet.cutAllPower();
    this.clock.stop();
    await Promise.all(Object.values(this.servers).map(server => server.stop()));
    await this.artifactRegistry.stop();
  }
}
