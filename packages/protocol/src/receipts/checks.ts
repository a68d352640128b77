import { Approval } from '../approvals/approval.js';
import { verifyApproval } from '../approvals/verify.js';
import type { AttestationTrust } from '../attestation/trust.js';
import type { TokenAppraisal } from '../attestation/steps.js';
import { verifyToken } from '../attestation/verify.js';
import { asDigest, digestOf } from '../bytes/digest.js';
import { fromBase64 } from '../bytes/encoding.js';
import { keyBytes } from '../documents/keys.js';
import { CleanRoomError } from '../errors/index.js';
import { KeyReleaseAnswer } from '../key-release/key-release.js';
import { KernelImageStatement } from '../kernel-images/kernel-image.js';
import { LogEntry, verifyLogProof } from '../log/log.js';
import { verifyComposition } from '../packaging/composition.js';
import { allAcceptSimulator, attestationTrust } from '../policies/tee-roots.js';
import { satisfiesTeeRule } from '../policies/tee-rule.js';
import { requireTerms } from '../policies/terms.js';
import { OutputRelease } from '../runs/output-release.js';
import { RUN_AUDIENCE, runNonce } from '../runs/run-statement.js';
import { openSubmissionRequest } from '../submissions/request.js';
import { claimedBy } from './claimed.js';
import {
  imageDigestOf,
  openSubmitterRoster,
  providerRoster,
  providersOf,
  type ReceiptEvidence
} from './evidence.js';
import type { TrustRoots } from './receipt.js';
import { findingPass, findingNotAsked, findingUnknown, type Finding, type ReceiptStepId } from './steps.js';

/** What the judging steps look at. `token` is verified before them, since its time is the time to judge at. */
export interface ReceiptCase extends ReceiptEvidence {
  readonly trust: TrustRoots | undefined;
  readonly token: TokenAppraisal;
  readonly at: Date;
}

function refuse(message: string): never {
  throw new CleanRoomError('digest-mismatch', message);
}

/** Whose TEE roots to believe: the verifier's own; without any, whatever root the token brings, and the verdict says so. */
function tokenTrust(evidence: ReceiptEvidence, trust: TrustRoots | undefined): AttestationTrust {
  if (trust !== undefined) return attestationTrust(trust.tee);
  const { ownRoot } = claimedBy(evidence.receipt.token);
  return { pkiRoots: ownRoot === undefined ? [] : [ownRoot] };
}

export function verifyRunToken(
  evidence: ReceiptEvidence,
  trust: TrustRoots | undefined,
  at: Date
): Promise<TokenAppraisal> {
  const policies = evidence.policies.map(policy => policy.value);
  return verifyToken(evidence.receipt.token, {
    profile: 'production',
    at,
    trust: tokenTrust(evidence, trust),
    acceptSimulator: allAcceptSimulator(policies),
    expect: {
      audience: RUN_AUDIENCE,
      nonces: [runNonce(evidence.statement.digest)],
      imageDigest: evidence.statement.value.predicate.image,
      env: {}
    }
  });
}

type Judge = (theCase: ReceiptCase) => Finding;

const submitter: Judge = theCase => {
  const { spec, statement, receipt } = theCase;
  openSubmissionRequest(receipt.request, spec, statement.value.predicate.image);
  const roster = openSubmitterRoster(theCase);
  const person = roster.people.find(({ keys }) => keys.includes(spec.value.submitter));
  if (person === undefined || !person.roles.includes('researcher')) {
    return refuse(`The submitter's key is not a researcher's of ${roster.party}.`);
  }
  return findingPass(`${person.name} of ${roster.title}.`);
};

const parties: Judge = ({ collaboration, trust }) => {
  const { members, title } = collaboration.value;
  if (trust === undefined) return findingUnknown('No trust roots were given, so the parties are only names.');
  const known = new Set(trust.parties.map(party => party.rootKey));
  const strangers = members.filter(member => !known.has(member.rootKey)).map(member => member.party);
  if (strangers.length > 0) return findingUnknown(`Not among your trust roots: ${strangers.join(', ')}.`);
  return findingPass(`${members.map(member => member.title).join(', ')}, in ${title}.`);
};

const approvals: Judge = theCase => {
  const { spec, collaboration, assets, statement, receipt, at } = theCase;
  const providers = providersOf(spec.value);
  if (receipt.approvals.length !== providers.length)
    return refuse('There is not exactly one approval for each provider.');
  if (providers.length === 0)
    return findingNotAsked('The notebook uses no dataset, so nobody had to approve it.');
  const { image } = statement.value.predicate;
  const signed = providers.map(provider => {
    const bundle = receipt.approvals.find(
      candidate => Approval.peek(candidate.envelope).value.provider === provider
    );
    if (bundle === undefined) return refuse(`The approval of ${provider} is missing.`);
    return verifyApproval(bundle, provider, { spec, image, collaboration, assets, at });
  });
  for (const asset of statement.value.predicate.assets) {
    if (
      !signed.some(
        approval => approval.digest === asset.approval && asset.name.startsWith(`${approval.value.provider}/`)
      )
    ) {
      return refuse(`The run rests on another approval for ${asset.name}.`);
    }
  }
  return findingPass(
    signed.map(({ value }) => `${value.provider}: ${value.reviewer}, ${value.approvedAt}`).join('; ')
  );
};

const terms: Judge = theCase => {
  const { policies, spec, collaboration, at, statement } = theCase;
  if (policies.length === 0) return findingNotAsked('No dataset, so no policy.');
  const party = openSubmitterRoster(theCase).rootKey;
  for (const { value } of policies) {
    const provider = value.asset.slice(0, value.asset.indexOf('/'));
    requireTerms(value, {
      collaboration: collaboration.value,
      party,
      purpose: spec.value.purpose,
      kernelImage: spec.value.kernelImage,
      hosting: providerRoster(theCase, provider)?.custodian?.hosting ?? 'co-hosted',
      at
    });
    if (!value.tee.sandboxProfiles.includes(statement.value.predicate.sandbox.profile)) {
      return refuse(`The policy of ${value.asset} does not accept the sandbox profile that was used.`);
    }
  }
  return findingPass(`Purpose: ${spec.value.purpose}.`);
};

const kernelImage: Judge = ({ receipt, spec, policies, trust, token }) => {
  const digest = digestOf(fromBase64(receipt.kernelImage.manifest));
  if (digest !== spec.value.kernelImage)
    return refuse('The kernel image is another one than the spec names.');
  const signer = receipt.kernelImage.statement.signatures[0]?.keyid ?? '';
  const { value } = KernelImageStatement.open(receipt.kernelImage.statement, signer);
  if (value.digest !== digest) return refuse('The release key signed another kernel image.');
  if (policies.some(policy => !policy.value.kernelImages.signers.includes(signer))) {
    return refuse('A policy does not know the key that signed the kernel image.');
  }
  if (value.development && !token.simulated) return refuse('A development kernel image ran in a real TEE.');
  if (trust === undefined)
    return findingUnknown(`${value.name}, signed by a key you were not told to trust.`);
  return trust.kernelImageSigners.includes(signer)
    ? findingPass(`${value.name}.`)
    : findingUnknown(`${value.name}, signed by a key that is not among your trust roots.`);
};

const image: Judge = theCase => {
  const { receipt, statement } = theCase;
  if (imageDigestOf(theCase) !== statement.value.predicate.image)
    return refuse('The image is not the one that ran.');
  verifyComposition({
    kernelImage: {
      manifest: fromBase64(receipt.kernelImage.manifest),
      config: fromBase64(receipt.kernelImage.config)
    },
    image: { manifest: fromBase64(receipt.image.manifest), config: fromBase64(receipt.image.config) }
  });
  return findingPass(statement.value.predicate.image);
};

const token: Judge = ({ token: verdict, trust }) => {
  const failed = verdict.steps
    .filter(step => step.status === 'fail')
    .map(step => `${step.title}: ${step.detail}`);
  if (!verdict.ok) return refuse(failed.join(' '));
  const what = verdict.simulated
    ? 'SIMULATED: no hardware vouches for it.'
    : `${verdict.claims?.hwmodel ?? 'TEE'}.`;
  return trust === undefined
    ? findingUnknown(`${what} Its root is not one you were told to trust.`)
    : findingPass(what);
};

const teeRule: Judge = ({ policies, token: verdict }) => {
  if (policies.length === 0) return findingNotAsked('No dataset, so no rule.');
  const { claims } = verdict;
  if (claims === undefined) return refuse('The token holds no claims to judge.');
  const refused = policies.filter(policy => !satisfiesTeeRule(policy.value.tee.rule, claims as never));
  if (refused.length > 0)
    return refuse(`The TEE rule of ${refused.map(policy => policy.value.asset).join(', ')} says no.`);
  return findingPass(`${policies.length} ${policies.length === 1 ? 'rule' : 'rules'}.`);
};

const keyReleases: Judge = ({ receipt, statement, spec }) => {
  const { attemptKey, assets } = statement.value.predicate;
  if (assets.length === 0) return findingNotAsked('No dataset, so no keys.');
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
    if (!holds) return refuse(`No key release of the right custodian to this attempt for ${asset.name}.`);
  }
  return findingPass(`Attempt key ${toFingerprint(keyBytes(attemptKey))}.`);
};

const toFingerprint = (bytes: Uint8Array): string => digestOf(bytes).slice(7, 19);

const outputReleases: Judge = ({ receipt, statement }) => {
  const { reviewers, notebook } = statement.value.predicate.outputs;
  if (reviewers.length === 0) return findingNotAsked('No policy asks for a person to review the outputs.');
  for (const reviewer of reviewers) {
    const released = receipt.outputReleases.some(envelope => {
      if (OutputRelease.peek(envelope).value.custodian !== reviewer) return false;
      const { value } = OutputRelease.open(envelope, reviewer);
      return (
        value.statement === statement.digest && value.outputs.some(({ digest }) => digest === notebook.digest)
      );
    });
    if (!released) return refuse('A reviewing custodian has not let the outputs go.');
  }
  return findingPass(`${reviewers.length} of ${reviewers.length}.`);
};

/** The run's last entry in the log must name this very run statement. */
const time: Judge = ({ receipt, statement, trust, token: verdict }) => {
  const signed = `Signed ${verdict.times?.issuedAt.toISOString() ?? 'at an unknown time'}, time unproven.`;
  if (receipt.log === undefined) return { status: 'not-proved', detail: signed };
  const bytes = fromBase64(receipt.log.entry);
  const entry = LogEntry.read(bytes).value;
  if (entry.subject !== 'run' || entry.evidence !== asDigest(statement.digest)) {
    return refuse('The log entry is about something else.');
  }
  const signer = receipt.log.checkpoint.signatures[0]?.keyid ?? '';
  verifyLogProof(receipt.log, bytes, signer);
  const who =
    trust?.logs.includes(signer) === true ? 'a log you trust' : 'a log that is not among your trust roots';
  // One writer can still show two histories; until parties exchange heads, no log alone proves a time.
  return { status: 'not-proved', detail: `${signed} It stands in ${who}.` };
};

export const RECEIPT_CHECKS: readonly (readonly [ReceiptStepId, Judge])[] = [
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
