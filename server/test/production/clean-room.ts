import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureSigningKey } from '../../src/custodian/index.js';
import { DEFAULT_LIMITS } from '../../src/coordinator/config.js';
import { BUCKET, FakeCloud, PROJECT, WORKLOAD, COORDINATOR } from '../cloud/cloud.js';
import { AttestationAuthority } from '../cloud/guests/attestation-authority.js';
import { LaunchedGuests } from '../cloud/guests/launched.js';
import { makeCertificate, startPostgres, type PostgresServer } from '../support/postgres.js';
import { releaseTestKernelImage, runTestCommand } from './kernel-image.js';
import { Parties, type Provider } from './parties.js';
import { buildTestExtension, makeTestBuild, type TestBuild } from './test-build.js';

const SERVER = fileURLToPath(new URL('../../../server', import.meta.url));

/** The options of a clean room. */
export interface ProductionOptions {
  /** A folder on the file system of the project's cache. */
  readonly folder: string;
  readonly port: number;
  readonly providers: readonly Provider[];
  /** The API of a JupyterHub. */
  readonly hubApi: string;
  /** The parties of the Hub's groups. */
  readonly groups: Readonly<Record<string, string>>;
  /** A credential of the person who acts for all parties. */
  readonly token: string;
  /** The CSV file of each dataset. */
  readonly data: Readonly<Record<string, string>>;
}

/**
 * Arguments with which a process runs as a user without rights. It can read all files, but a custodian sees that it shares no user with
 * the coordinator. Only root can do this.
 */
const OTHER_USER = [
  '--reuid=65534',
  '--regid=65534',
  '--clear-groups',
  '--inh-caps=+dac_read_search',
  '--ambient-caps=+dac_read_search'
];

/** Waits until a process has written `Ready.`. */
async function started(child: ChildProcess, name: string): Promise<ChildProcess> {
  const messages: string[] = [];
  const ready = new Promise<boolean>(resolve => {
    child.stderr?.on('data', (text: Buffer) => {
      messages.push(String(text));
      process.stderr.write(text);
      if (messages.join('').includes('Ready.')) resolve(true);
    });
    child.once('exit', () => resolve(false));
  });
  if (!(await ready)) throw new Error(`${name} did not start: ${messages.join('')}`);
  return child;
}

/** Returns a handler that forwards every request to a port of this machine. */
function forwardTo(portOf: (path: string) => number) {
  return (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const { method, url = '/', headers } = incoming;
    const forwarded = request(
      { host: '127.0.0.1', port: portOf(url), method, path: url, headers },
      answer => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      }
    );
    forwarded.on('error', () => outgoing.writeHead(502).end());
    incoming.pipe(forwarded);
  };
}

/**
 * Ends TLS in front of a custodian, as the load balancer of a deployment does.
 *
 * @returns the server, and the file with the certificate of its authority
 */
async function startTlsProxy(
  origin: string,
  port: number,
  folder: string
): Promise<{ server: Server; authority: string }> {
  const { hostname, port: own } = new URL(origin);
  const { ca: authority, certificate, key } = makeCertificate(folder, hostname);
  const server = createTlsServer(
    { cert: readFileSync(certificate), key: readFileSync(key) },
    forwardTo(() => port)
  );
  server.listen(Number(own), '127.0.0.1');
  await once(server, 'listening');
  return { server, authority };
}

/**
 * Serves coordinator and storage at one origin. A supervisor on hardware transfers data only with its coordinator's origin and with
 * Google's own, which is not here.
 */
async function startGateway(port: number, storagePort: number): Promise<{ url: string; server: Server }> {
  const server = createServer(forwardTo(url => (url.startsWith('/v1/') ? port : storagePort)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/**
 * A clean room in production: coordinator and custodians of a build for tests, each in a process of its own, on PostgreSQL, a bucket,
 * Artifact Registry and Confidential Space of the fake cloud. Its machines run the images that they are started with.
 */
export class ProductionCleanRoom {
  readonly #closing: (() => Promise<unknown>)[] = [];

  private constructor(
    readonly build: TestBuild,
    readonly cloud: FakeCloud,
    readonly parties: Parties
  ) {}

  static async start(options: ProductionOptions): Promise<ProductionCleanRoom> {
    const { folder, port } = options;
    const authority = new AttestationAuthority();
    const build = await makeTestBuild(path.join(folder, 'build'), authority.root.sha256);
    const [guests, cache] = [path.join(folder, 'guests'), path.join(folder, 'layers')];
    await Promise.all([mkdir(guests, { recursive: true }), mkdir(cache, { recursive: true })]);
    const cloud = await FakeCloud.start({
      guests: new LaunchedGuests({ folder: guests, cacheDir: cache, authority, shutdownMilliseconds: 100 })
    });
    const room = new ProductionCleanRoom(build, cloud, new Parties(folder, `http://127.0.0.1:${port}`));
    room.#closing.push(() => cloud.stop());
    try {
      await room.#start(options, authority);
      return room;
    } catch (error) {
      await room.stop();
      throw error;
    }
  }

  async #start(options: ProductionOptions, authority: AttestationAuthority): Promise<void> {
    const { folder, providers, token, data } = options;
    const { cloud, build, parties } = this;
    const at = (name: string): string => `http://${cloud.registryHost}/${PROJECT.id}/${name}`;
    const kernels = at('kernels/kernel-images');
    const access = cloud.accounts.issueToken(COORDINATOR.email).token;
    const image = await releaseTestKernelImage(build, folder, kernels, access);
    await buildTestExtension(build);
    const log = await ensureSigningKey(path.join(folder, 'log.key'));
    await parties.create(providers, {
      teeRoot: authority.root.sha256,
      kernelImage: image.digest,
      releaseKey: image.signer,
      logKey: log.publicKey
    });
    const postgres = await startPostgres();
    this.#closing.push(() => postgres.stop());
    const gateway = await startGateway(options.port, Number(new URL(cloud.storageUrl).port));
    this.#closing.push(async () => gateway.server.close());
    const config = await this.#configure(options, postgres, image.folder, at, gateway.url);
    await this.#startCoordinator(options, config, gateway.url);
    await parties.publish(token);
    for (const provider of providers) {
      const { dataset } = provider;
      const authority = await this.#startCustodian(provider, folder, image.images);
      await runTestCommand(
        build,
        [
          ...['provision', data[dataset] ?? '', '--name', dataset, '--policy', parties.policy(dataset)],
          '--yes'
        ],
        { CLEAN_ROOM_HOME: parties.person, CLEAN_ROOM_TOKEN: token, NODE_EXTRA_CA_CERTS: authority }
      );
    }
  }

  async #configure(
    { folder, port, providers, hubApi, groups }: ProductionOptions,
    postgres: PostgresServer,
    kernelImage: string,
    repository: (name: string) => string,
    gateway: string
  ): Promise<string> {
    await ensureSigningKey(path.join(folder, 'job.key'));
    const file = path.join(folder, 'coordinator.json');
    const config = {
      mode: 'production',
      listen: { host: '127.0.0.1', port },
      supervisorUrl: gateway,
      logLevel: 'warn',
      database: await postgres.createDatabase('socket'),
      objects: `gs://${BUCKET}/objects`,
      images: {
        kind: 'registry',
        repository: repository('runs/revisions'),
        kernelImages: repository('kernels/kernel-images'),
        credentials: 'google'
      },
      kernelImages: [kernelImage],
      logKeyFile: path.join(folder, 'log.key'),
      jobSecretFile: path.join(folder, 'job.key'),
      authentication: { kind: 'jupyterhub', api: hubApi, service: 'clean-room', groups },
      custodians: providers.map(({ party }) => ({ party, tokenFile: this.parties.token(party) })),
      backend: {
        kind: 'confidential-space',
        project: PROJECT.id,
        deployment: 'production',
        zones: ['europe-west4-a', 'europe-west4-b'],
        subnetwork: 'clean-room',
        serviceAccount: WORKLOAD.email,
        tees: ['TDX'],
        spot: false,
        dollarsPerHour: { 'c3-standard-4': 0.24 }
      },
      limits: DEFAULT_LIMITS
    };
    await writeFile(file, JSON.stringify(config));
    return file;
  }

  async #startCoordinator({ folder }: ProductionOptions, config: string, gateway: string): Promise<void> {
    const { build, cloud } = this;
    const program = path.join(build.folder, 'server/coordinator.mjs');
    await copyFile(path.join(SERVER, 'test/production/coordinator.mjs'), program);
    const child = spawn('setpriv', [...OTHER_USER, process.execPath, program], {
      cwd: folder,
      stdio: ['ignore', 'inherit', 'pipe'],
      env: {
        ...process.env,
        ...cloud.environment,
        CLEAN_ROOM_TEST_CLOUD: JSON.stringify({
          config,
          compute: cloud.computeClientOptions,
          storage: { ...cloud.storageClientOptions, apiEndpoint: gateway },
          signing: cloud.signing
        })
      }
    });
    this.#endWith(child);
    await started(child, 'The coordinator');
  }

  /** Starts a custodian, and returns the file with the certificate of the authority for its origin. */
  async #startCustodian({ party, origin, port }: Provider, folder: string, images: string): Promise<string> {
    const { server, authority } = await startTlsProxy(origin, port, folder);
    this.#closing.push(async () => server.close());
    const child = spawn(
      process.execPath,
      [this.build.command, 'serve', '--custodian', this.parties.custodian(party)],
      {
        stdio: ['ignore', 'inherit', 'pipe'],
        env: { ...process.env, CLEAN_ROOM_KERNEL_IMAGES: images }
      }
    );
    this.#endWith(child);
    await started(child, `The custodian of ${party}`);
    return authority;
  }

  #endWith(child: ChildProcess): void {
    const ended = once(child, 'exit');
    this.#closing.push(async () => {
      child.kill('SIGTERM');
      await ended;
    });
  }

  /** Stops everything, in the reverse order of its start. */
  async stop(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close();
  }
}
