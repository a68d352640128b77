import { openCollaboration, rootKeyOf } from '../parties/collaboration.js';
import { Roster } from '../parties/roster.js';
import type { Collaboration } from '../parties/collaboration.js';
import type { Roster as RosterValue } from '../parties/roster.js';
import { AssetVersion } from '../assets/asset.js';
import type { AssetVersion as AssetVersionValue } from '../assets/asset.js';
import { digestOf } from '../bytes/digest.js';
import { fromBase64 } from '../bytes/encoding.js';
import { checkSchema, type ReadDocument } from '../documents/document.js';
import type { Envelope } from '../documents/dsse.js';
import { parseStrictJson } from '../documents/json.js';
import { CleanRoomError } from '../errors/index.js';
import { Policy } from '../policies/policy.js';
import type { Policy as PolicyValue } from '../policies/policy.js';
import { readRunStatement, type RunStatement } from '../runs/run-statement.js';
import { readSpec } from '../submissions/check.js';
import type { Spec } from '../submissions/spec.js';
import { Receipt } from './receipt.js';

/** What a receipt holds, opened in the order in which one thing vouches for the next. */
export interface ReceiptEvidence {
  readonly receipt: Receipt;
  readonly statement: ReadDocument<RunStatement>;
  readonly spec: ReadDocument<Spec>;
  readonly collaboration: ReadDocument<Collaboration>;
  readonly assets: readonly ReadDocument<AssetVersionValue>[];
  readonly policies: readonly ReadDocument<PolicyValue>[];
}

function mismatch(message: string): never {
  throw new CleanRoomError('digest-mismatch', message);
}

export function openReceipt(bytes: Uint8Array): Receipt {
  return checkSchema(Receipt, parseStrictJson(bytes), 'receipt');
}

/** Everything in it that somebody signed. */
export function envelopesOf(receipt: Receipt): Envelope[] {
  return [
    receipt.collaboration,
    receipt.request,
    receipt.submitterRoster,
    ...receipt.assets.flatMap(({ version, policy }) => [version, policy]),
    ...receipt.approvals.flatMap(({ envelope, roster }) => [envelope, roster]),
    ...receipt.keyReleases,
    ...receipt.outputReleases,
    receipt.kernelImage.statement,
    ...(receipt.log === undefined ? [] : [receipt.log.checkpoint])
  ];
}

export function openStatement(receipt: Receipt): ReadDocument<RunStatement> {
  return readRunStatement(fromBase64(receipt.statement));
}

export function openSpec(receipt: Receipt, statement: RunStatement): ReadDocument<Spec> {
  const spec = readSpec(fromBase64(receipt.spec));
  const { predicate } = statement;
  if (spec.digest !== predicate.spec) mismatch('The run statement is about another spec.');
  if (spec.value.collaboration !== predicate.collaboration)
    mismatch('Spec and run statement name two collaborations.');
  if (spec.value.kernelImage !== predicate.kernelImage)
    mismatch('Spec and run statement name two kernel images.');
  const recipients = [
    ...spec.value.recipients,
    ...(spec.value.recovery === undefined ? [] : [spec.value.recovery])
  ];
  if (recipients.join() !== predicate.outputs.recipients.join())
    mismatch('The outputs are sealed to other recipients.');
  return spec;
}

export function openMembers(receipt: Receipt, spec: Spec): ReadDocument<Collaboration> {
  const collaboration = openCollaboration(receipt.collaboration);
  if (collaboration.digest !== spec.collaboration) mismatch('The collaboration is not the one of the spec.');
  return collaboration;
}

/** The asset versions and policies of the spec, in the spec's order, each signed by the custodian the spec names. */
export function openAssets(
  receipt: Receipt,
  spec: Spec,
  statement: RunStatement
): Pick<ReceiptEvidence, 'assets' | 'policies'> {
  const stated = statement.predicate.assets;
  if (receipt.assets.length !== spec.assets.length || stated.length !== spec.assets.length) {
    mismatch('The receipt does not hold exactly the datasets of the spec.');
  }
  const pairs = spec.assets.map((asset, index) => {
    const [signed, run] = [receipt.assets[index], stated[index]];
    if (signed === undefined || run === undefined) return mismatch('A dataset of the spec is missing.');
    const version = AssetVersion.open(signed.version, asset.custodian);
    const policy = Policy.open(signed.policy, asset.custodian);
    const same =
      version.digest === asset.version &&
      policy.digest === asset.policy &&
      version.value.name === asset.name &&
      policy.value.asset === asset.name &&
      run.name === asset.name &&
      run.version === asset.version &&
      run.policy === asset.policy &&
      run.custodian === asset.custodian;
    if (!same)
      return mismatch(`${asset.name} is another version, or under another policy, than the spec says.`);
    return { version, policy };
  });
  return { assets: pairs.map(pair => pair.version), policies: pairs.map(pair => pair.policy) };
}

/** Providers of a spec, each once, in the order of its assets. */
export function providersOf(spec: Spec): string[] {
  return [...new Set(spec.assets.map(asset => asset.name.slice(0, asset.name.indexOf('/'))))];
}

/** The roster of the submitter's party, signed by a root key of the collaboration. */
export function openSubmitterRoster(evidence: ReceiptEvidence): RosterValue {
  const { party } = Roster.peek(evidence.receipt.submitterRoster).value;
  return Roster.open(evidence.receipt.submitterRoster, rootKeyOf(evidence.collaboration.value, party)).value;
}

/** The roster of a provider as its approval brought it; checked by `verifyApproval`. */
export function providerRoster(evidence: ReceiptEvidence, provider: string): RosterValue | undefined {
  return evidence.receipt.approvals
    .map(bundle => Roster.peek(bundle.roster).value)
    .find(roster => roster.party === provider);
}

export const imageDigestOf = (evidence: ReceiptEvidence) =>
  digestOf(fromBase64(evidence.receipt.image.manifest));
