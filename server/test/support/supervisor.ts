import { randomBytes } from 'node:crypto';
import { digestOf, toBase64, toBase64Url, utf8, type Digest } from '@clean-room/protocol/bytes';
import { openEnvelope, type Envelope } from '@clean-room/protocol/documents';
import { Approval } from '@clean-room/protocol/approvals';
import { KeyReleaseAnswer, KeyRequest, type KeyRequestMessage } from '@clean-room/protocol/key-release';
import { EMPTY_TREE_HEAD } from '@clean-room/protocol/log';
import type { JobDocument, JobProgress, JobResult } from '@clean-room/protocol/jobs';
import { encodeRunStatement, type RunPredicate } from '@clean-room/protocol/runs';
import { Spec } from '@clean-room/protocol/submissions';
import { routes } from '@clean-room/api/coordinator';
import type { Client } from '@clean-room/api';
import type { AttemptPlan } from '../../src/coordinator/start.js';
import type { TestParty } from './parties.js';

type StatementChanges = Partial<RunPredicate> & { readonly reviewers?: readonly string[] };

/** The parts of a plan that a supervisor knows. */
type StartedJob = Pick<AttemptPlan, 'attempt' | 'image' | 'job'>;

/** Returns a random attempt key. */
function attemptKey(): string {
  return `x25519:${toBase64Url(new Uint8Array(randomBytes(32)))}`;
}

/** Acts as the supervisor of one attempt. Tokens and digests are invented, because the coordinator does not check them. */
export class TestSupervisor {
  readonly job: string;
  readonly key = attemptKey();
  readonly #client: () => Client;
  readonly #plan: StartedJob;

  /**
   * Creates the supervisor of an attempt.
   *
   * @param client - returns a client of the coordinator that is running now
   */
  constructor(client: () => Client, plan: StartedJob) {
    this.#client = client;
    this.#plan = plan;
    this.job = plan.job.slice(plan.job.lastIndexOf('/') + 1);
  }

  document(): Promise<JobDocument> {
    return this.#client().call(routes.getJob, { params: { job: this.job } });
  }

  async reportProgress(body: JobProgress): Promise<void> {
    await this.#client().call(routes.postProgress, { params: { job: this.job }, body });
  }

  keyRequest(
    spec: Uint8Array,
    approval: JobDocument['approvals'][number],
    collaboration: Envelope
  ): KeyRequestMessage {
    const signed = Approval.peek(approval.envelope);
    const request = KeyRequest.write({
      format: 'clean-room.key-request/v1',
      custodian: signed.value.custodian,
      image: this.#plan.image,
      spec: digestOf(spec),
      attemptKey: this.key,
      sandboxProfile: 'second-uid',
      approval: signed.digest,
      rosterVersion: 1,
      logHead: EMPTY_TREE_HEAD
    });
    return { request: toBase64(request), token: 'token', spec: toBase64(spec), approval, collaboration };
  }

  /** Sends a key request, and returns its digest. */
  async sendKeyRequest(message: KeyRequestMessage): Promise<Digest> {
    const { request } = await this.#client().call(routes.postKeyRequest, {
      params: { job: this.job },
      body: message
    });
    return request;
  }

  /** Waits for the answer to a key request. */
  keyReply(request: Digest) {
    return this.#client().call(routes.getKeyReply, { params: { job: this.job, request } });
  }

  /** Uploads one sealed output, and returns a result whose run statement names it. */
  async uploadOutput(
    spec: Uint8Array,
    keyReleases: Envelope[] = [],
    changes: StatementChanges = {}
  ): Promise<JobResult> {
    const output = new Uint8Array(randomBytes(64));
    const digest = digestOf(output);
    await this.#client().upload(routes.putJobObject, { params: { job: this.job, digest } }, output);
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

  result(
    specBytes: Uint8Array,
    output: { digest: Digest; bytes: number },
    keyReleases: Envelope[],
    { reviewers = [], ...changes }: StatementChanges = {}
  ): JobResult {
    const spec = Spec.read(specBytes);
    const statement = encodeRunStatement({
      spec: spec.digest,
      image: this.#plan.image,
      kernelImage: spec.value.kernelImage,
      collaboration: spec.value.collaboration,
      attemptKey: this.key,
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
    return { statement: toBase64(statement.bytes), token: 'token', keyReleases, outputs: [output.digest] };
  }

  async postResult(result: JobResult): Promise<void> {
    await this.#client().call(routes.postResults, { params: { job: this.job }, body: result });
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
