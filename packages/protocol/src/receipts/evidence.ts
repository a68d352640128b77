import { AssetVersion, providerOf } from '../assets/asset.js';
import { digestOf, type Digest } from '../bytes/digest.js';
import { fromBase64 } from '../bytes/encoding.js';
import { checkSchema, type ReadDocument } from '../documents/document.js';
import type { Envelope } from '../documents/dsse.js';
import { parseStrictJson } from '../documents/json.js';
import { CleanRoomError } from '../errors/index.js';
import { openCollaboration, rootKeyOf, type Collaboration } from '../parties/collaboration.js';
import { Roster } from '../parties/roster.js';
import { Policy } from '../policies/policy.js';
import { readRunStatement, type RunStatement } from '../runs/run-statement.js';
import { readSpec } from '../submissions/check.js';
import type { Spec } from '../submissions/spec.js';
import { Receipt } from './receipt.js';

/** The documents of a receipt, opened in an order in which each is bound to an earlier one by digest or signature. */
export interface ReceiptEvidence {
  readonly receipt: Receipt;
  readonly statement: ReadDocument<RunStatement>;
  readonly spec: ReadDocument<Spec>;
  readonly collaboration: ReadDocument<Collaboration>;
  readonly assets: readonly ReadDocument<AssetVersion>[];
  readonly policies: readonly ReadDocument<Policy>[];
}

/**
 * Throws the error of a check that failed.
 *
 * @throws CleanRoomError `digest-mismatch`
 */
export function throwMismatch(message: string): never {
  throw new CleanRoomError('digest-mismatch', message);
}

/**
 * Reads a receipt from its bytes.
 *
 * @throws CleanRoomError `malformed`
 */
export function openReceipt(bytes: Uint8Array): Receipt {
  return checkSchema(Receipt, parseStrictJson(bytes), 'receipt');
}

/** Returns all signed documents of a receipt. */
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

/**
 * Returns the run statement of a receipt.
 *
 * @throws CleanRoomError `malformed`
 */
export function openStatement(receipt: Receipt): ReadDocument<RunStatement> {
  return readRunStatement(fromBase64(receipt.statement));
}

/**
 * Returns the spec of a receipt. It must be the one that the run statement names.
 *
 * @throws CleanRoomError `malformed` or `digest-mismatch`
 */
export function openSpec(receipt: Receipt, statement: RunStatement): ReadDocument<Spec> {
  const spec = readSpec(fromBase64(receipt.spec));
  const { predicate } = statement;
  if (spec.digest !== predicate.spec) throwMismatch('The run statement is about another spec.');
  if (spec.value.collaboration !== predicate.collaboration)
    throwMismatch('The spec and the run statement name different collaborations.');
  if (spec.value.kernelImage !== predicate.kernelImage)
    throwMismatch('The spec and the run statement name different kernel images.');
  const recipients = [
    ...spec.value.recipients,
    ...(spec.value.recovery === undefined ? [] : [spec.value.recovery])
  ];
  if (recipients.join() !== predicate.outputs.recipients.join())
    throwMismatch('The outputs are sealed to other recipients than those of the spec.');
  return spec;
}

/**
 * Returns the collaboration of a receipt, signed by every member. It must be the one that the spec names.
 *
 * @throws CleanRoomError `malformed`, `signature-invalid` or `digest-mismatch`
 */
export function openMembers(receipt: Receipt, spec: Spec): ReadDocument<Collaboration> {
  const collaboration = openCollaboration(receipt.collaboration);
  if (collaboration.digest !== spec.collaboration)
    throwMismatch('The collaboration is not the one of the spec.');
  return collaboration;
}

/**
 * Returns the asset versions and policies of a receipt, in the order of the spec. Each must be signed by the custodian that the
 * spec names, and must be the one that spec and run statement name.
 *
 * @throws CleanRoomError `malformed`, `signature-invalid` or `digest-mismatch`
 */
export function openAssets(
  receipt: Receipt,
  spec: Spec,
  statement: RunStatement
): Pick<ReceiptEvidence, 'assets' | 'policies'> {
  const stated = statement.predicate.assets;
  if (receipt.assets.length !== spec.assets.length || stated.length !== spec.assets.length) {
    throwMismatch('The datasets of the receipt are not exactly those of the spec.');
  }
  const pairs = spec.assets.map((asset, index) => {
    const [signed, run] = [receipt.assets[index], stated[index]];
    if (signed === undefined || run === undefined) return throwMismatch('A dataset of the spec is missing.');
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
      return throwMismatch(`The version or the policy of ${asset.name} is not the one that the spec names.`);
    return { version, policy };
  });
  return { assets: pairs.map(pair => pair.version), policies: pairs.map(pair => pair.policy) };
}

/** Returns the providers of a spec's assets, each once, in the order of the assets. */
export function providersOf(spec: Spec): string[] {
  return [...new Set(spec.assets.map(asset => providerOf(asset.name)))];
}

/**
 * Returns the roster of the submitter's party. It must be signed by the party's root key, which the collaboration names.
 *
 * @throws CleanRoomError `malformed` or `signature-invalid`
 */
export function openSubmitterRoster(evidence: ReceiptEvidence): Roster {
  const { party } = Roster.peek(evidence.receipt.submitterRoster).value;
  return Roster.open(evidence.receipt.submitterRoster, rootKeyOf(evidence.collaboration.value, party)).value;
}

/** Returns a provider's roster from its approval, without verifying it: `verifyApproval` does that. */
export function providerRoster(evidence: ReceiptEvidence, provider: string): Roster | undefined {
  return evidence.receipt.approvals
    .map(bundle => Roster.peek(bundle.roster).value)
    .find(roster => roster.party === provider);
}

/** Returns the image digest of a receipt: the digest of the manifest that it contains. */
export const imageDigestOf = (evidence: ReceiptEvidence): Digest =>
  digestOf(fromBase64(evidence.receipt.image.manifest));
