import { TokenIssuer, type TokenSubject } from '@clean-room/simulator/issuer';
import { Approval, type ApprovalBundle } from '@clean-room/protocol/approvals';
import { fromBase64, toBase64, type Digest } from '@clean-room/protocol/bytes';
import {
  KeyRequest,
  generateAttemptKey,
  keyRequestAudience,
  keyRequestNonce,
  type AttemptKeyPair,
  type KeyRequestMessage
} from '@clean-room/protocol/key-release';
import { Roster } from '@clean-room/protocol/parties';
import type { Envelope, ReadDocument } from '@clean-room/protocol/documents';
import { routes } from '@clean-room/api/coordinator';
import { Checkpoint } from '@clean-room/protocol/log';
import type { CustodianContext } from '../../../src/custodian/context.js';
import { nextStep } from '../../../src/custodian/key-release/release.js';
import { ENTRYPOINT } from './kernel-image.js';
import type { DemoWorld, ProviderName } from './demo.js';

const MACHINE = {
  projectId: 'simulated',
  projectNumber: '1',
  zone: 'nowhere',
  instanceName: 'test',
  instanceId: '1',
  serviceAccounts: []
};

/** Changes to an honest attempt's request, token or message. */
export interface Tampering {
  readonly request?: Partial<KeyRequest>;
  readonly container?: Partial<TokenSubject['container']>;
  readonly audience?: string;
  readonly nonce?: string;
  /** The age of the token, in seconds. */
  readonly age?: number;
  readonly identity?: DemoWorld['simulator'];
  readonly message?: Partial<KeyRequestMessage>;
  readonly key?: AttemptKeyPair;
}

/** A key request, and the key of the attempt that sent it. */
export interface SentKeyRequest {
  readonly key: AttemptKeyPair;
  readonly request: ReadDocument<KeyRequest>;
  readonly message: KeyRequestMessage;
  readonly token: string;
}

/** Creates an attempt's key request to the custodian of a provider, as its supervisor would, with the given changes. */
export async function createKeyRequest(
  world: DemoWorld,
  submission: string,
  tampering: Tampering = {},
  provider: ProviderName = 'hospital'
): Promise<SentKeyRequest> {
  const client = world.client(provider);
  const found = await client.call(routes.getSubmission, { params: { id: submission } });
  const revision = found.revisions.at(-1)!;
  const decision = revision.decisions.find(candidate => candidate.provider === provider);
  const bundle = decision!.approval as ApprovalBundle;
  const approval = Approval.read(fromBase64(bundle.envelope.payload));
  const { items } = await client.call(routes.listCollaborations, {});
  const { checkpoint } = await client.call(routes.getCheckpoint, {});
  const key = tampering.key ?? (await generateAttemptKey());
  const request = KeyRequest.read(
    KeyRequest.write({
      format: 'clean-room.key-request/v1',
      custodian: approval.value.custodian,
      image: revision.image,
      spec: revision.specDigest,
      attemptKey: key.publicKey,
      sandboxProfile: 'second-uid',
      approval: approval.digest,
      rosterVersion: Roster.peek(bundle.roster).value.version,
      logHead: Checkpoint.peek(checkpoint).value.head,
      ...tampering.request
    })
  );
  const subject: TokenSubject = {
    machine: MACHINE,
    container: {
      imageReference: 'registry/program:latest',
      imageDigest: revision.image,
      imageId: `sha256:${'0'.repeat(64)}` satisfies Digest,
      args: ENTRYPOINT,
      env: { CLEAN_ROOM_JOB: `http://127.0.0.1/v1/jobs/${'j'.repeat(43)}` },
      envOverride: { CLEAN_ROOM_JOB: `http://127.0.0.1/v1/jobs/${'j'.repeat(43)}` },
      cmdOverride: [],
      ...tampering.container
    }
  };
  const clock = () => new Date(Date.now() - (tampering.age ?? 0) * 1000);
  const issuer = new TokenIssuer(tampering.identity ?? world.simulator, subject, clock);
  const token = await issuer.issue({
    kind: 'pki',
    audience: tampering.audience ?? keyRequestAudience(request.value.custodian),
    nonces: [tampering.nonce ?? keyRequestNonce(request)]
  });
  const message: KeyRequestMessage = {
    request: toBase64(request.bytes),
    spec: revision.spec,
    approval: bundle,
    collaboration: items[0]!.envelope,
    ...tampering.message
  };
  return { key, request, message, token };
}

/** Takes a custodian's steps for a request with its token until it releases the keys. */
export async function releaseKeys(
  context: CustodianContext,
  { message, token }: Pick<SentKeyRequest, 'message' | 'token'>
): Promise<Envelope> {
  const ready: Envelope[] = [];
  for (;;) {
    const step = await nextStep(context, { message, token, tokensWanted: 1, ready });
    if ('answer' in step) return step.answer;
    if (!('ready' in step)) throw new Error(`the keys were not released: ${JSON.stringify(step)}`);
    ready.push(step.ready);
  }
}
