import { Approval } from '../approvals/approval.js';
import { verifyApproval } from '../approvals/verify.js';
import { providerOf } from '../assets/asset.js';
import type { TokenAppraisal } from '../attestation/steps.js';
import { asDigest, digestOf } from '../bytes/digest.js';
import { fromBase64 } from '../bytes/encoding.js';
import { fromTimestamp } from '../documents/fields.js';
import { keyBytes } from '../documents/keys.js';
import { CleanRoomError } from '../errors/index.js';
import { KeyReleaseAnswer } from '../key-release/key-release.js';
import { releaseKeyOf, requireKernelImage } from '../kernel-images/accept.js';
import { KernelImageStatement } from '../kernel-images/kernel-image.js';
import { revocationOf, type KernelImageRevocations } from '../kernel-images/revocations.js';
import { LogEntry, verifyLogProof } from '../log/log.js';
import { verifyComposition } from '../packaging/composition.js';
import { satisfiesTeeRule } from '../policies/tee-rule.js';
import { requireTerms } from '../policies/terms.js';
import { OutputRelease } from '../runs/output-release.js';
import { openSubmissionRequest } from '../submissions/request.js';
import {
  imageDigestOf,
  openSubmitterRoster,
  providerRoster,
  providersOf,
  throwMismatch,
  type ReceiptEvidence
} from './evidence.js';
import type { TrustRoots } from './receipt.js';
import { findingPass, findingNotAsked, findingUnknown, type Finding, type ReceiptStepId } from './steps.js';
import { otherRootOf } from './token.js';

/** The documents of a receipt, and what they are checked against. */
export interface ReceiptContext extends ReceiptEvidence {
  readonly trust: TrustRoots | undefined;
  readonly revocations: readonly KernelImageRevocations[];
  /** The result of verifying the receipt's token. */
  readonly token: TokenAppraisal;
  /** The time at which everything must have been valid. */
  readonly at: Date;
}

/** A check of a receipt. It returns a finding, or throws a {@link CleanRoomError} if the check fails. */
type ReceiptCheck = (context: ReceiptContext) => Finding;

const submitter: ReceiptCheck = context => {
  const { spec, statement, receipt } = context;
  openSubmissionRequest(receipt.request, spec, statement.value.predicate.image);
  const roster = openSubmitterRoster(context);
  const person = roster.people.find(({ keys }) => keys.includes(spec.value.submitter));
  if (person === undefined || !person.roles.includes('researcher')) {
    return throwMismatch(`The key of the submitter does not belong to a researcher of ${roster.party}.`);
  }
  return findingPass(`${person.name} of ${roster.title}.`);
};

const parties: ReceiptCheck = ({ collaboration, trust }) => {
  const { members, title } = collaboration.value;
  if (trust === undefined)
    return findingUnknown('There are no trust roots, so nothing proves who these parties are.');
  const known = new Set(trust.parties.map(party => party.rootKey));
  const unknown = members.filter(member => !known.has(member.rootKey)).map(member => member.party);
  if (unknown.length > 0) return findingUnknown(`Not among your trust roots: ${unknown.join(', ')}.`);
  return findingPass(`${members.map(member => member.title).join(', ')}, in ${title}.`);
};

const approvals: ReceiptCheck = context => {
  const { spec, collaboration, assets, statement, receipt, at } = context;
  const providers = providersOf(spec.value);
  if (receipt.approvals.length !== providers.length)
    return throwMismatch('The receipt does not contain exactly one approval of each provider.');
  if (providers.length === 0)
    return findingNotAsked('The notebook uses no dataset, so no approval was needed.');
  const { image } = statement.value.predicate;
  const signed = providers.map(provider => {
    const bundle = receipt.approvals.find(
      candidate => Approval.peek(candidate.envelope).value.provider === provider
    );
    if (bundle === undefined) return throwMismatch(`The approval of ${provider} is missing.`);
    return verifyApproval(bundle, provider, { spec, image, collaboration, assets, at });
  });
  for (const asset of statement.value.predicate.assets) {
    if (
      !signed.some(
        approval => approval.digest === asset.approval && asset.name.startsWith(`${approval.value.provider}/`)
      )
    ) {
      return throwMismatch(`The run statement names another approval for ${asset.name}.`);
    }
  }
  return findingPass(
    signed.map(({ value }) => `${value.provider}: ${value.reviewer}, ${value.approvedAt}`).join('; ')
  );
};

const terms: ReceiptCheck = context => {
  const { policies, spec, collaboration, at, statement } = context;
  if (policies.length === 0) return findingNotAsked('The notebook uses no dataset, so there is no policy.');
  const party = openSubmitterRoster(context).rootKey;
  for (const { value } of policies) {
    const provider = providerOf(value.asset);
    requireTerms(value, {
      collaboration,
      party,
      purpose: spec.value.purpose,
      kernelImage: spec.value.kernelImage,
      hosting: providerRoster(context, provider)?.custodian?.hosting ?? 'co-hosted',
      at
    });
    if (!value.tee.sandboxProfiles.includes(statement.value.predicate.sandbox.profile)) {
      return throwMismatch(`The policy of ${value.asset} does not accept the sandbox profile of the run.`);
    }
  }
  return findingPass(`Purpose: ${spec.value.purpose}.`);
};

/**
 * Returns a note about the revocation of the kernel image. A run whose token was issued before the revocation remains valid.
 * The lists of release keys count that are among the trust roots or have signed the image.
 *
 * @throws CleanRoomError `policy-refused` when the image was revoked before the token was issued
 */
function revocationNote(context: ReceiptContext): string {
  const { receipt, spec, trust, revocations, token } = context;
  const signers = [
    ...receipt.kernelImage.statement.signatures.map(({ keyid }) => keyid),
    ...(trust?.kernelImageSigners ?? [])
  ];
  const revoked = revocationOf(revocations, spec.value.kernelImage, signers);
  if (revoked === undefined) return '';
  const since = `revoked on ${revoked.revokedAt.slice(0, 10)} (${revoked.reason})`;
  const issuedAt = token.times?.issuedAt;
  if (issuedAt === undefined || issuedAt >= fromTimestamp(revoked.revokedAt)) {
    throw new CleanRoomError('policy-refused', `The kernel image was ${since}, before this run ended.`);
  }
  return ` It was ${since}, after this run had ended.`;
}

const kernelImage: ReceiptCheck = context => {
  const { receipt, spec, assets, policies, trust, token } = context;
  const { statement } = receipt.kernelImage;
  const digest = digestOf(fromBase64(receipt.kernelImage.manifest));
  if (digest !== spec.value.kernelImage)
    return throwMismatch('The kernel image is not the one that the spec names.');
  KernelImageStatement.open(statement, statement.signatures[0]?.keyid ?? '');
  const uses = policies.flatMap(({ value: policy }, index) => {
    const version = assets[index]?.value;
    return version === undefined ? [] : [{ version, policy }];
  });
  const value = requireKernelImage(statement, digest, uses);
  if (value.development && !token.simulated)
    return throwMismatch('The run used a development kernel image in a real TEE, which is not allowed.');
  const note = revocationNote(context);
  if (trust === undefined)
    return findingUnknown(`${value.name}. There are no trust roots for the key that signed it.${note}`);
  return releaseKeyOf(statement, trust.kernelImageSigners) === undefined
    ? findingUnknown(`${value.name}. The key that signed it is not among your trust roots.${note}`)
    : findingPass(`${value.name}.${note}`);
};

const image: ReceiptCheck = context => {
  const { receipt, statement } = context;
  if (imageDigestOf(context) !== statement.value.predicate.image)
    return throwMismatch('The image is not the one that the run statement names.');
  verifyComposition({
    kernelImage: {
      manifest: fromBase64(receipt.kernelImage.manifest),
      config: fromBase64(receipt.kernelImage.config)
    },
    image: { manifest: fromBase64(receipt.image.manifest), config: fromBase64(receipt.image.config) }
  });
  return findingPass(statement.value.predicate.image);
};

const token: ReceiptCheck = ({ token: appraisal, trust }) => {
  const failed = appraisal.steps
    .filter(step => step.status === 'fail')
    .map(step => `${step.title}: ${step.detail}`);
  if (!appraisal.ok) return throwMismatch(failed.join(' '));
  const otherRoot = otherRootOf(appraisal);
  const machine = appraisal.simulated
    ? 'SIMULATED: no hardware protected this run.'
    : `${appraisal.claims?.hwmodel ?? 'TEE'}.${otherRoot === undefined ? '' : ` OTHER ROOT: ${otherRoot} vouches for it, not Google.`}`;
  return trust === undefined
    ? findingUnknown(`${machine} There are no trust roots for its TEE.`)
    : findingPass(machine);
};

const teeRule: ReceiptCheck = ({ policies, token: appraisal }) => {
  if (policies.length === 0) return findingNotAsked('The notebook uses no dataset, so there is no TEE rule.');
  const { claims } = appraisal;
  if (claims === undefined) return throwMismatch('The token has no readable claims.');
  const unsatisfied = policies.filter(policy => !satisfiesTeeRule(policy.value.tee.rule, claims));
  if (unsatisfied.length > 0) {
    const names = unsatisfied.map(policy => policy.value.asset).join(', ');
    return throwMismatch(`The attestation does not satisfy the TEE rule in the policy of ${names}.`);
  }
  return findingPass(`Rules checked: ${policies.length}.`);
};

/** Returns the first 12 hexadecimal digits of the SHA-256 of bytes, to compare by eye. */
const fingerprint = (bytes: Uint8Array): string =>
  digestOf(bytes).slice('sha256:'.length, 'sha256:'.length + 12);

const keyReleases: ReceiptCheck = ({ receipt, statement, spec, collaboration }) => {
  const { attemptKey, assets } = statement.value.predicate;
  if (assets.length === 0) return findingNotAsked('The notebook uses no dataset, so no keys were released.');
  const released = receipt.keyReleases.map(envelope => {
    const { custodian } = KeyReleaseAnswer.peek(envelope).value;
    return KeyReleaseAnswer.open(envelope, custodian);
  });
  for (const asset of assets) {
    const answer = released.find(({ digest }) => digest === asset.keyRelease)?.value;
    const pinned = spec.value.assets.find(({ name }) => name === asset.name)?.custodian;
    const holds =
      answer?.custodian === pinned &&
      answer?.attemptKey === attemptKey &&
      answer.assets.some(({ version }) => version === asset.version);
    if (!holds)
      return throwMismatch(`The custodian of ${asset.name} did not release its key to this attempt.`);
  }
  const titles = providersOf(spec.value).map(
    provider => collaboration.value.members.find(({ party }) => party === provider)?.title ?? provider
  );
  return findingPass(`${titles.join(', ')}. Attempt key ${fingerprint(keyBytes(attemptKey))}.`);
};

const outputReleases: ReceiptCheck = ({ receipt, statement }) => {
  const { reviewers, notebook } = statement.value.predicate.outputs;
  if (reviewers.length === 0) return findingNotAsked('No policy requires a person to review the outputs.');
  for (const reviewer of reviewers) {
    const released = receipt.outputReleases.some(envelope => {
      if (OutputRelease.peek(envelope).value.custodian !== reviewer) return false;
      const { value } = OutputRelease.open(envelope, reviewer);
      return (
        value.statement === statement.digest && value.outputs.some(({ digest }) => digest === notebook.digest)
      );
    });
    if (!released) return throwMismatch('A reviewing custodian has not released the outputs.');
  }
  return findingPass(`Output releases: ${reviewers.length} of ${reviewers.length}.`);
};

/**
 * A log proof must be for an entry about exactly this run statement. Even then the time is not proven: a log that only one
 * program writes can show different histories to different parties, until the parties compare their checkpoints.
 */
const time: ReceiptCheck = ({ receipt, statement, trust, token: appraisal }) => {
  const stated = appraisal.times?.issuedAt.toISOString() ?? 'unknown';
  if (receipt.log === undefined)
    return { status: 'not-proven', detail: `Stated by the signer (${stated}); not proven by a log.` };
  const bytes = fromBase64(receipt.log.entry);
  const entry = LogEntry.read(bytes).value;
  if (entry.subject !== 'run' || entry.evidence !== asDigest(statement.digest)) {
    return throwMismatch('The log entry is not about this run statement.');
  }
  const signer = receipt.log.checkpoint.signatures[0]?.keyid ?? '';
  verifyLogProof(receipt.log, bytes, signer);
  const log =
    trust?.logs.includes(signer) === true ? 'a log you trust' : 'a log that is not among your trust roots';
  return {
    status: 'not-proven',
    detail: `Stated by the signer (${stated}); not independently proven. The run is recorded in ${log}.`
  };
};

/** The checks of a receipt whose documents could be opened, in the order of their steps. */
export const RECEIPT_CHECKS: readonly (readonly [ReceiptStepId, ReceiptCheck])[] = [
  ['submitter', submitter],
  ['parties', parties],
  ['approvals', approvals],
  ['terms', terms],
  ['kernel-image', kernelImage],
  ['image', image],
  ['token', token],
  ['tee-rule', teeRule],
  ['key-releases', keyReleases],
  ['output-releases', outputReleases],
  ['time', time]
];
