import { randomBytes } from 'node:crypto';
import { machineOf } from '@clean-room/simulator';
import { TokenIssuer, type Machine, type TokenSubject } from '@clean-room/simulator/issuer';
import { digestOf, toBase64, utf8, type Digest } from '@clean-room/protocol/bytes';
import { openEnvelope, type Envelope } from '@clean-room/protocol/documents';
import { Approval } from '@clean-room/protocol/approvals';
import {
  generateAttemptKey,
  KeyReleaseAnswer,
  KeyRequest,
  type AttemptKeyPair,
  type KeyRequestMessage,
  type Mailbox,
  type MailboxReply
} from '@clean-room/protocol/key-release';
import { EMPTY_TREE_HEAD } from '@clean-room/protocol/log';
import {
  ATTEMPT_AUDIENCE,
  openAttemptSecret,
  PROOF_HEADER,
  proveRequest,
  registrationNonce,
  type JobDocument,
  type JobProgress,
  type JobResult,
  type TransferAddress,
  type TransferRequest
} from '@clean-room/protocol/jobs';
import { encodeRunStatement, RUN_AUDIENCE, runNonce, type RunPredicate } from '@clean-room/protocol/runs';
import { Spec } from '@clean-room/protocol/submissions';
import { routes } from '@clean-room/api/coordinator';
import { Client } from '@clean-room/api';
import type { AttemptPlan } from '../../src/coordinator/start.js';
import type { TestParty } from './parties.js';
import { testSimulator } from './simulator.js';

type StatementChanges = Partial<RunPredicate> & { readonly reviewers?: readonly string[] };

/** The parts of a TEE's plan that a supervisor's token and messages name. */
export type SupervisorPlan = Pick<AttemptPlan, 'attempt' | 'image' | 'job'>;

/** Changes to an honest supervisor, for tests of what is refused. */
export interface SupervisorChanges {
  readonly machine?: Partial<Machine>;
  readonly container?: Partial<TokenSubject['container']>;
  readonly key?: AttemptKeyPair;
}

/**
 * Acts as the supervisor of one attempt, with tokens of a simulated machine. It registers before its first request. A request
 * that got no answer is repeated with the same sequence number.
 */
export class TestSupervisor {
  readonly attempt: string;
  readonly #address: () => string;
  readonly #plan: SupervisorPlan;
  readonly #changes: SupervisorChanges;
  #key: Promise<AttemptKeyPair> | undefined;
  #registered: Promise<Uint8Array> | undefined;
  #sequence = 0;
  /** The content of the newest request while it has no answer. */
  #unanswered: string | undefined;
  #version = 0;

  /**
   * Creates the supervisor of an attempt.
   *
   * @param address - returns the URL of the coordinator that is running now
   */
  constructor(address: () => string, plan: SupervisorPlan, changes: SupervisorChanges = {}) {
    this.#address = address;
    this.#plan = plan;
    this.#changes = changes;
    this.attempt = plan.attempt;
  }

  /** Returns the attempt key. */
  key(): Promise<AttemptKeyPair> {
    return (this.#key ??= Promise.resolve(this.#changes.key ?? generateAttemptKey()));
  }

  /** Returns a token of this supervisor's machine. */
  async token(audience: string, nonce: string): Promise<string> {
    const { attempt, image, job } = this.#plan;
    const subject: TokenSubject = {
      machine: { ...machineOf(attempt), ...this.#changes.machine },
      container: {
        imageReference: `registry.invalid/image@${image}`,
        imageDigest: image,
        imageId: `sha256:${'0'.repeat(64)}`,
        args: ['/usr/lib/clean-room/node', '/usr/lib/clean-room/supervisor.js'],
        env: { CLEAN_ROOM_JOB: job },
        envOverride: { CLEAN_ROOM_JOB: job },
        cmdOverride: [],
        ...this.#changes.container
      }
    };
    const issuer = new TokenIssuer(await testSimulator(), subject);
    return issuer.issue({ kind: 'pki', audience, nonces: [nonce] });
  }

  /** Registers the attempt key, and returns the attempt's secret. */
  async register(nonce?: string): Promise<Uint8Array> {
    const { job } = this.#plan;
    const key = await this.key();
    const expected = registrationNonce(key.publicKey, job);
    const registered = await this.#client(fetch).call(routes.registerAttempt, {
      params: { job: this.attempt },
      body: { attemptKey: key.publicKey, token: await this.token(ATTEMPT_AUDIENCE, nonce ?? expected) }
    });
    return openAttemptSecret(registered, key, job);
  }

  #client(request: typeof fetch): Client {
    return new Client({ base: this.#address(), fetch: request });
  }

  /** Returns a client that proves every request with the attempt's secret. */
  async #proven(): Promise<Client> {
    this.#registered ??= this.register();
    const secret = await this.#registered.catch((error: unknown) => {
      this.#registered = undefined;
      throw error;
    });
    return this.#client(async (input, init = {}) => {
      const { pathname, search } = new URL(input instanceof Request ? input.url : input);
      const method = init.method ?? 'GET';
      const body = typeof init.body === 'string' ? utf8(init.body) : new Uint8Array();
      const content = `${method} ${pathname}${search} ${digestOf(body)}`;
      if (content !== this.#unanswered) this.#sequence += 1;
      this.#unanswered = content;
      const headers = new Headers(init.headers);
      headers.set(
        PROOF_HEADER,
        proveRequest(secret, {
          sequence: this.#sequence,
          method,
          path: `${pathname}${search}`,
          body: digestOf(body)
        })
      );
      const response = await fetch(input, { ...init, headers });
      this.#unanswered = undefined;
      return response;
    });
  }

  async document(): Promise<JobDocument> {
    return (await this.#proven()).call(routes.getJob, { params: { job: this.attempt } });
  }

  async reportProgress(body: JobProgress): Promise<void> {
    await (await this.#proven()).call(routes.postProgress, { params: { job: this.attempt }, body });
  }

  /** Returns the key request that the supervisor sends to the custodian of an approval. */
  async keyRequest(
    spec: Uint8Array,
    approval: JobDocument['approvals'][number],
    collaboration: Envelope
  ): Promise<KeyRequestMessage> {
    const signed = Approval.peek(approval.envelope);
    const request = KeyRequest.write({
      format: 'clean-room.key-request/v1',
      custodian: signed.value.custodian,
      image: this.#plan.image,
      spec: digestOf(spec),
      attemptKey: (await this.key()).publicKey,
      sandboxProfile: 'second-uid',
      approval: signed.digest,
      rosterVersion: 1,
      logHead: EMPTY_TREE_HEAD
    });
    return { request: toBase64(request), spec: toBase64(spec), approval, collaboration };
  }

  /** Sends a key request, and returns its digest. */
  async sendKeyRequest(message: KeyRequestMessage): Promise<Digest> {
    const client = await this.#proven();
    const { request } = await client.call(routes.postKeyRequest, {
      params: { job: this.attempt },
      body: message
    });
    return request;
  }

  /** Sends a token over a key request. */
  async sendToken(request: Digest, token = 'token'): Promise<void> {
    const client = await this.#proven();
    await client.call(routes.postKeyRequestToken, {
      params: { job: this.attempt, request },
      body: { token }
    });
  }

  /** Returns the mailbox as soon as it has changed since the last call, or after some seconds. */
  async mailbox(): Promise<Mailbox> {
    const client = await this.#proven();
    const mailbox = await client.call(routes.getMailbox, {
      params: { job: this.attempt },
      query: { after: this.#version }
    });
    this.#version = mailbox.version;
    return mailbox;
  }

  /** Waits for the answer to a key request. */
  async keyReply(request: Digest): Promise<MailboxReply> {
    for (;;) {
      const reply = (await this.mailbox()).requests.find(entry => entry.request === request)?.reply;
      if (reply !== undefined) return reply;
    }
  }

  /** Returns the address at which an object can be transferred. One of the coordinator is at the one that is running now. */
  async transfer(body: TransferRequest): Promise<TransferAddress> {
    const client = await this.#proven();
    const address = await client.call(routes.createTransfer, { params: { job: this.attempt }, body });
    const { origin, pathname } = new URL(address.url);
    if (origin !== new URL(this.#plan.job).origin) return address;
    return { ...address, url: new URL(pathname, this.#address()).href };
  }

  /** Uploads an object, in one request or in a session. */
  async upload(bytes: Uint8Array, digest = digestOf(bytes)): Promise<void> {
    const { method, url, headers } = await this.transfer({
      direction: 'upload',
      digest,
      bytes: bytes.length
    });
    const put = (to: string, sent: Record<string, string> = {}): Promise<Response> =>
      fetch(to, { method: 'PUT', headers: sent, body: new Uint8Array(bytes) });
    const begun = method === 'POST' ? await fetch(url, { method, headers }) : undefined;
    const session = begun?.headers.get('location') ?? undefined;
    const response = session === undefined ? await put(url, headers) : await put(session);
    if (!response.ok) throw new Error(`The upload was refused: ${await response.text()}`);
  }

  async download(digest: Digest, bytes: number): Promise<Uint8Array> {
    const { url } = await this.transfer({ direction: 'download', digest, bytes });
    return new Uint8Array(await (await fetch(url)).arrayBuffer());
  }

  /** Uploads one sealed output, and returns a result whose run statement names it. */
  async uploadOutput(
    spec: Uint8Array,
    keyReleases: Envelope[] = [],
    changes: StatementChanges = {}
  ): Promise<JobResult> {
    const output = new Uint8Array(randomBytes(64));
    const digest = digestOf(output);
    await this.upload(output);
    return this.result(spec, { digest, bytes: output.length }, keyReleases, changes);
  }

  /** Uploads one output, and delivers the result that names it. */
  async deliverResult(
    spec: Uint8Array,
    keyReleases: Envelope[] = [],
    changes: StatementChanges = {}
  ): Promise<JobResult> {
    const result = await this.uploadOutput(spec, keyReleases, changes);
    await this.postResult(result);
    return result;
  }

  async result(
    specBytes: Uint8Array,
    output: { digest: Digest; bytes: number },
    keyReleases: Envelope[],
    { reviewers = [], ...changes }: StatementChanges = {}
  ): Promise<JobResult> {
    const spec = Spec.read(specBytes);
    const statement = encodeRunStatement({
      spec: spec.digest,
      image: this.#plan.image,
      kernelImage: spec.value.kernelImage,
      collaboration: spec.value.collaboration,
      attemptKey: (await this.key()).publicKey,
      sandbox: { profile: 'second-uid', filter: digestOf(utf8('filter')) },
      assets: spec.value.assets.map((asset, index) => ({
        name: asset.name,
        version: asset.version,
        policy: asset.policy,
        custodian: asset.custodian,
        approval: digestOf(utf8('approval')),
        keyRelease:
          keyReleases[index] === undefined ? digestOf(utf8('key')) : payloadDigest(keyReleases[index])
      })),
      logHead: EMPTY_TREE_HEAD,
      startedAt: '2026-01-01T00:00:00Z',
      endedAt: '2026-01-01T00:01:00Z',
      cells: [{ cell: 1, status: 'ok', outputs: [{ verdict: 'pass', reasons: [] }] }],
      outputs: {
        notebook: { name: 'explore.ipynb', ...output },
        recipients: spec.value.recipients,
        reviewers: [...reviewers]
      },
      ...changes
    });
    const token = await this.token(RUN_AUDIENCE, runNonce(statement.digest));
    return { statement: toBase64(statement.bytes), token, keyReleases, outputs: [output.digest] };
  }

  async postResult(result: JobResult): Promise<void> {
    await (await this.#proven()).call(routes.postResults, { params: { job: this.attempt }, body: result });
  }
}

function payloadDigest(envelope: Envelope): Digest {
  const signer = envelope.signatures[0]!.keyid;
  return digestOf(openEnvelope(envelope, KeyReleaseAnswer.payloadType, [signer]));
}

/** Returns a custodian's signed answer to a key request, with an invented file key. */
export function keyRelease(
  custodian: TestParty,
  message: KeyRequestMessage,
  by = custodian.custodian
): Envelope {
  const request = KeyRequest.read(Uint8Array.from(Buffer.from(message.request, 'base64')));
  const spec = Spec.read(Uint8Array.from(Buffer.from(message.spec, 'base64'))).value;
  return KeyReleaseAnswer.sign(
    {
      format: 'clean-room.key-release/v1',
      custodian: custodian.custodian.publicKey,
      request: request.digest,
      attemptKey: request.value.attemptKey,
      attempt: 1,
      assets: spec.assets
        .filter(asset => asset.custodian === custodian.custodian.publicKey)
        .map(asset => ({ version: asset.version, fileKey: { encapsulated: 'AAAA', ciphertext: 'AAAA' } })),
      rosterVersion: 1,
      logHead: EMPTY_TREE_HEAD,
      releasedAt: '2026-01-01T00:00:00Z'
    },
    by
  );
}
