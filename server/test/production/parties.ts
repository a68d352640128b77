import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import type { Digest } from '@clean-room/protocol/bytes';
import { toTimestamp, type Envelope, type PublicKey } from '@clean-room/protocol/documents';
import { Collaboration, Roster, type Custodian, type Person } from '@clean-room/protocol/parties';
import type { TrustRoots } from '@clean-room/protocol/receipts';
import { createIdentity } from '../../src/cli/home/identity.js';
import { Home } from '../../src/cli/home/home.js';
import { CUSTODIAN_FILE, ensureSigningKey, openKeyFolder } from '../../src/custodian/index.js';
import type { PolicyFile } from '@clean-room/api/custodian';

const DAY_MS = 86_400_000;
const PURPOSES = ['Health research: cost of chronic illness'];

/** A provider of the clean room. */
export interface Provider {
  readonly party: 'hospital' | 'insurer';
  readonly title: string;
  readonly dataset: string;
  /** The origin of its custodian in browsers. */
  readonly origin: string;
  /** The port of its custodian, behind the proxy that ends TLS. */
  readonly port: number;
}

/** The keys and digests that policies and trust roots name. */
export interface Trusted {
  /** The root of the authority that attests machines. */
  readonly teeRoot: Digest;
  readonly kernelImage: Digest;
  readonly releaseKey: PublicKey;
  readonly logKey: PublicKey;
}

/**
 * The files of a university and two providers: keys, rosters, a collaboration, policies, custodians, and the home of one person who
 * works for all three. No custodian is one of a demo.
 */
export class Parties {
  readonly #documents: { readonly party: string; readonly roster: Envelope }[] = [];
  #collaboration: Envelope | undefined;

  constructor(
    readonly folder: string,
    private readonly coordinator: string
  ) {}

  /** `CLEAN_ROOM_HOME` of the person. */
  get person(): string {
    return path.join(this.folder, 'person');
  }

  /** The folder of a provider's custodian. */
  custodian(party: string): string {
    return path.join(this.folder, 'custodians', party);
  }

  /** The file with the credential of a provider's custodian. */
  token(party: string): string {
    return path.join(this.custodian(party), 'token');
  }

  /** A party's root key, which signs its rosters. */
  rootKey(party: string): string {
    return path.join(this.folder, 'parties', party, 'root.key');
  }

  /** The policy of a dataset. */
  policy(dataset: string): string {
    return path.join(this.folder, 'policies', `${dataset.replace('/', '-')}.json`);
  }

  /** Writes all files. */
  async create(providers: readonly Provider[], trusted: Trusted): Promise<void> {
    const keys = await createIdentity(new Home({ env: { CLEAN_ROOM_HOME: this.person } }));
    const personWith = (roles: Person['roles']): Person => ({
      id: 'demo',
      name: 'Test person',
      roles,
      keys: [keys.signing.publicKey],
      recipients: [keys.recipient],
      passkeys: []
    });
    const members = [await this.#party('university', 'Demo University', personWith(['researcher']))];
    for (const provider of providers) {
      const custodian = await this.#custodian(provider);
      members.push(
        await this.#party(provider.party, provider.title, personWith(['reviewer', 'steward']), custodian)
      );
      await this.#policy(provider, trusted);
    }
    this.#collaboration = Collaboration.sign(
      {
        format: 'clean-room.collaboration/v1',
        name: 'production',
        title: 'Test of production',
        members: members.map(({ party, title, root }) => ({ party, title, rootKey: root.publicKey })),
        purposes: PURPOSES,
        ends: toTimestamp(new Date(Date.now() + 30 * DAY_MS))
      },
      ...members.map(({ root }) => root)
    );
    const trust: TrustRoots = {
      format: 'clean-room.trust-roots/v1',
      parties: members.map(({ title, root }) => ({ title, rootKey: root.publicKey })),
      kernelImageSigners: [trusted.releaseKey],
      tee: [{ kind: 'hardware', certificate: trusted.teeRoot }],
      logs: [trusted.logKey]
    };
    await this.#write('person/trust.json', trust);
    await this.#write('person/config.json', { url: this.coordinator, party: 'university' });
  }

  /** Publishes the rosters and the collaboration with the person's credential. */
  async publish(token: string): Promise<void> {
    const client = (party: string) => new Client({ base: this.coordinator, token: () => token, party });
    for (const { party, roster } of this.#documents)
      await client(party).call(routes.publishRoster, { body: { roster } });
    const collaboration = this.#collaboration!;
    await client('university').call(routes.publishCollaboration, { body: { collaboration } });
  }

  async #party(party: string, title: string, person: Person, custodian?: Custodian) {
    const root = await ensureSigningKey(this.rootKey(party));
    const roster = Roster.sign(
      {
        format: 'clean-room.roster/v1',
        party,
        title,
        rootKey: root.publicKey,
        version: 1,
        people: [person],
        ...(custodian === undefined ? {} : { custodian }),
        jupyterHost: 'own'
      },
      root
    );
    this.#documents.push({ party, roster });
    return { party, title, root };
  }

  async #custodian({ party, origin, port }: Provider): Promise<Custodian> {
    const folder = this.custodian(party);
    const keys = await openKeyFolder(path.join(folder, 'keys'));
    const root = await ensureSigningKey(this.rootKey(party));
    await writeFile(this.token(party), `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 });
    await this.#write(path.join('custodians', party, CUSTODIAN_FILE), {
      mode: 'production',
      party,
      rootKey: root.publicKey,
      listen: { host: '127.0.0.1', port },
      logLevel: 'warn',
      origin,
      hosting: 'own',
      coordinator: this.coordinator,
      tokenFile: 'token',
      database: 'pglite:database',
      approvalDays: 30
    });
    return { key: keys.publicKey, recipient: keys.recipient, origin, hosting: 'own', demo: false };
  }

  async #policy({ dataset }: Provider, { teeRoot, kernelImage, releaseKey }: Trusted): Promise<void> {
    const policy: PolicyFile = {
      parties: ['university'],
      purposes: PURPOSES,
      validUntil: toTimestamp(new Date(Date.now() + 30 * DAY_MS)),
      kernelImages: { digests: [kernelImage], signers: [releaseKey] },
      tee: {
        rule: 'assertion.swname == "CONFIDENTIAL_SPACE" && assertion.hwmodel == "GCP_INTEL_TDX"',
        roots: [{ kind: 'hardware', certificate: teeRoot }],
        sandboxProfiles: ['second-uid', 'nested-namespace']
      },
      run: {
        wallSeconds: 600,
        memoryBytes: 4 * 1024 ** 3,
        timeGridSeconds: 60,
        runs: 3,
        spareStarts: 1
      },
      outputs: {
        mimeTypes: ['text/plain', 'text/html', 'text/markdown', 'image/png'],
        bytesPerOutput: 1024 ** 2,
        bytesPerRun: 16 * 1024 ** 2,
        outputsPerRun: 100,
        review: 'none',
        valuesPerRow: 3
      },
      privacy: { rho: '0', epsilon: '0', delta: '0' },
      coHosted: false
    };
    await this.#write(path.relative(this.folder, this.policy(dataset)), policy);
  }

  async #write(name: string, value: unknown): Promise<void> {
    const file = path.join(this.folder, name);
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, `${JSON.stringify(value, undefined, 2)}\n`);
  }
}
