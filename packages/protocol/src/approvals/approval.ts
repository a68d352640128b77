import { Type, type Static } from 'typebox';
import { defineDocument } from '../documents/document.js';
import { Envelope } from '../documents/dsse.js';
import { AssetName, Closed, DigestField, PartyName, PersonId, Timestamp } from '../documents/fields.js';
import { PublicKey } from '../documents/keys.js';

/** An asset version under a policy. */
const ApprovedAsset = Closed({ name: AssetName, version: DigestField, policy: DigestField });

/** A provider's consent to one revision. Signed by the custodian key that the spec names. */
export const Approval = defineDocument(
  'approval',
  1,
  Closed({
    format: Type.Literal('clean-room.approval/v1'),
    provider: PartyName,
    custodian: PublicKey,
    image: DigestField,
    spec: DigestField,
    /** All assets of this provider in the spec, sorted by name. */
    assets: Type.Array(ApprovedAsset, { minItems: 1, maxItems: 64 }),
    /**
     * The number of runs, and of further starts for runs whose machine is lost after it received the keys. The custodian
     * releases keys to at most as many attempts as both together.
     */
    runs: Type.Integer({ minimum: 1, maximum: 1000 }),
    spareStarts: Type.Integer({ minimum: 0, maximum: 1000 }),
    approvedAt: Timestamp,
    expires: Timestamp,
    reviewer: PersonId,
    /** Whether it was given without a passkey. */
    unattended: Type.Boolean(),
    /** Whether the custodian takes people at their word, as the provider's roster says. */
    demo: Type.Boolean(),
    /** Whether the custodian shares process, database, user or host with the coordinator, as the provider's roster says. */
    coHosted: Type.Boolean()
  })
);
export type Approval = Static<typeof Approval.schema>;

/**
 * Returns why an approval is accepted only for data that is sealed for simulation, or undefined if it is not restricted.
 * Custodian, supervisor and receipt verifier all call this function.
 */
export function simulationOnlyReason(
  marks: Pick<Approval, 'unattended' | 'demo' | 'coHosted'>
): string | undefined {
  if (marks.unattended) return 'it is unattended';
  if (marks.demo) return 'its custodian is a demo';
  if (marks.coHosted) return 'its custodian is co-hosted with the coordinator';
  return undefined;
}

const Base64Url = Type.String({ pattern: '^[A-Za-z0-9_-]{1,8192}$' });

/** A WebAuthn assertion over the approval's DSSE pre-authentication encoding, as the browser returned it. All base64url. */
export const PasskeyAssertion = Closed({
  credentialId: Base64Url,
  authenticatorData: Base64Url,
  clientDataJSON: Base64Url,
  signature: Base64Url
});
export type PasskeyAssertion = Static<typeof PasskeyAssertion>;

/** An approval with everything that is needed to verify it: the reviewer's assertion and the roster that lists the passkey. */
export const ApprovalBundle = Closed({
  envelope: Envelope,
  assertion: Type.Optional(PasskeyAssertion),
  roster: Envelope
});
export type ApprovalBundle = Static<typeof ApprovalBundle>;
