import { createHash } from 'node:crypto';
import { AssetVersion } from '../../src/assets/asset.js';
import { Approval } from '../../src/approvals/approval.js';
import { HARDWARE_ROOTS } from '../../src/attestation/hardware-roots.js';
import { SIMULATED_HARDWARE, SIMULATOR_ISSUER } from '../../src/attestation/trust.js';
import { digestFromHash, type Digest } from '../../src/bytes/digest.js';
import { toBase64, utf8 } from '../../src/bytes/encoding.js';
import { Collaboration } from '../../src/parties/collaboration.js';
import { Roster, type Roster as RosterValue } from '../../src/parties/roster.js';
import { KernelImageStatement } from '../../src/kernel-images/kernel-image.js';
import { generateAttemptKey } from '../../src/key-release/attempt-key.js';
import { KeyReleaseAnswer } from '../../src/key-release/key-release.js';
import { EMPTY_TREE_HEAD } from '../../src/log/log.js';
import { composeImage } from '../../src/packaging/compose.js';
import { Policy } from '../../src/policies/policy.js';
import type { Receipt, TrustRoots } from '../../src/receipts/receipt.js';
import {
  RUN_AUDIENCE,
  runNonce,
  encodeRunStatement,
  type RunPredicate
} from '../../src/runs/run-statement.js';
import { readSpec } from '../../src/submissions/check.js';
import { SubmissionRequest } from '../../src/submissions/request.js';
import { Spec, type Spec as SpecValue } from '../../src/submissions/spec.js';
import { digestOf } from '../../src/bytes/digest.js';
import { makeChain, pkiHeader, productionPayload, signToken } from '../attestation/support/authority.js';
import { kernelImage, revisionFile } from './revision.js';
import { AGE_RECIPIENT, NOW, makeWorld, type WorldOptions } from './world.js';

export type Payload = ReturnType<typeof productionPayload>;

/** Changes for forged receipts. Everything that depends on a change is signed after it. */
export interface Changes extends WorldOptions {
  readonly withoutAssets?: boolean;
  readonly spec?: Partial<SpecValue>;
  readonly approval?: Partial<Approval>;
  readonly predicate?: Partial<RunPredicate>;
  readonly roster?: Partial<RosterValue>;
  readonly submitterRoles?: readonly ('researcher' | 'reviewer' | 'steward')[];
  readonly claims?: (payload: Payload) => void;
  readonly development?: boolean;
  readonly hardwareRoots?: readonly Digest[];
}

const iat = NOW.getTime() / 1000;
const chain = makeChain();
const certificate: Digest = digestFromHash(createHash('sha256').update(chain[2]).digest());

/** Makes a complete receipt of a simulated run, with the signatures of all parties, and the matching trust roots. */
export async function makeReceipt(changes: Changes = {}): Promise<{ receipt: Receipt; trust: TrustRoots }> {
  const base = kernelImage();
  const world = makeWorld({
    kernelImage: digestOf(base.manifest),
    teeRoots: [{ kind: 'simulated', certificate }],
    ...changes
  });
  const { keys } = world;
  const file = revisionFile('explore.ipynb', '{}');
  const workspace = [{ path: file.path, digest: file.digest, bytes: file.bytes }];
  const assets = changes.withoutAssets === true ? [] : world.specValue.assets;
  const spec = readSpec(Spec.write({ ...world.specValue, workspace, assets, ...changes.spec }));
  const image = await composeImage(base, spec.bytes, [file]);

  const bundle = world.bundle(
    { ...world.approvalValue, image: image.imageDigest, spec: spec.digest, ...changes.approval },
    { ...world.rosterValue, ...changes.roster }
  );
  const approval = Approval.peek(bundle.envelope);
  const attempt = await generateAttemptKey();
  const keyRelease = KeyReleaseAnswer.sign(
    {
      format: 'clean-room.key-release/v1',
      custodian: keys.custodian.publicKey,
      request: digestOf(utf8('request')),
      attemptKey: attempt.publicKey,
      attempt: 1,
      assets: [{ version: world.asset.digest, fileKey: { encapsulated: 'AAAA', ciphertext: 'AAAA' } }],
      rosterVersion: 1,
      logHead: EMPTY_TREE_HEAD,
      releasedAt: '2026-11-20T11:59:00Z'
    },
    keys.custodian
  );
  const statement = encodeRunStatement({
    spec: spec.digest,
    image: image.imageDigest,
    kernelImage: spec.value.kernelImage,
    collaboration: world.collaboration.digest,
    attemptKey: attempt.publicKey,
    sandbox: { profile: 'second-uid', filter: digestOf(utf8('filter')) },
    assets: assets.map(asset => ({
      ...asset,
      approval: approval.digest,
      keyRelease: KeyReleaseAnswer.peek(keyRelease).digest
    })),
    logHead: EMPTY_TREE_HEAD,
    startedAt: '2026-11-20T11:58:00Z',
    endedAt: '2026-11-20T12:00:00Z',
    cells: [],
    outputs: {
      notebook: { name: 'explore.ipynb', digest: digestOf(utf8('sealed')), bytes: 6 },
      recipients: [AGE_RECIPIENT],
      reviewers: []
    },
    ...changes.predicate
  });

  const payload = productionPayload();
  Object.assign(payload, {
    iss: SIMULATOR_ISSUER,
    hwmodel: SIMULATED_HARDWARE,
    aud: RUN_AUDIENCE,
    iat,
    nbf: iat,
    exp: iat + 3600,
    eat_nonce: runNonce(statement.digest)
  });
  payload.submods.container.image_digest = image.imageDigest;
  changes.claims?.(payload);

  const submitterRoster: RosterValue = {
    format: 'clean-room.roster/v1',
    party: 'university',
    title: 'University',
    rootKey: keys.university.publicKey,
    version: 1,
    people: [
      {
        id: 'rosa',
        name: 'Rosa',
        roles: [...(changes.submitterRoles ?? ['researcher' as const])],
        keys: [keys.researcher.publicKey],
        recipients: [AGE_RECIPIENT],
        passkeys: []
      }
    ],
    jupyterHost: 'own'
  };
  const receipt: Receipt = {
    format: 'clean-room.receipt/v1',
    statement: toBase64(statement.bytes),
    token: signToken(pkiHeader(chain), payload),
    spec: toBase64(spec.bytes),
    collaboration: Collaboration.sign(world.collaboration.value, keys.hospital, keys.university),
    request: SubmissionRequest.sign(
      {
        format: 'clean-room.submission-request/v1',
        spec: spec.digest,
        image: image.imageDigest,
        submitter: keys.researcher.publicKey
      },
      keys.researcher
    ),
    submitterRoster: Roster.sign(submitterRoster, keys.university),
    assets: assets.map(() => ({
      version: AssetVersion.sign(world.asset.value, keys.custodian),
      policy: Policy.sign(world.policyValue, keys.custodian)
    })),
    approvals: assets.map(() => bundle),
    keyReleases: assets.map(() => keyRelease),
    outputReleases: [],
    kernelImage: {
      statement: KernelImageStatement.sign(
        {
          format: 'clean-room.kernel-image/v1',
          name: 'python-cpu',
          digest: digestOf(base.manifest),
          accelerator: 'none',
          development: changes.development ?? true,
          hardwareRoots: [...(changes.hardwareRoots ?? HARDWARE_ROOTS.map(({ sha256 }) => sha256))]
        },
        keys.release
      ),
      manifest: toBase64(base.manifest),
      config: toBase64(base.config)
    },
    image: { manifest: toBase64(image.manifest), config: toBase64(image.config) }
  };
  const trust: TrustRoots = {
    format: 'clean-room.trust-roots/v1',
    parties: [
      { title: 'Hospital', rootKey: keys.hospital.publicKey },
      { title: 'University', rootKey: keys.university.publicKey }
    ],
    kernelImageSigners: [keys.release.publicKey],
    tee: [{ kind: 'simulated', certificate }],
    logs: []
  };
  return { receipt, trust };
}
