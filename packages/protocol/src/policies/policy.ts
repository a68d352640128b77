import { Type, type Static } from 'typebox';
import { DecimalText } from '../assets/column.js';
import { defineDocument } from '../documents/document.js';
import { AssetName, ByteCount, Closed, Count, DigestField, Timestamp, Title } from '../documents/fields.js';
import { PublicKey } from '../documents/keys.js';

/** The two kinds of sandbox: `second-uid` needs root, `nested-namespace` needs user namespaces for an ordinary user. */
export const SandboxProfile = Type.Union([Type.Literal('second-uid'), Type.Literal('nested-namespace')]);
export type SandboxProfile = Static<typeof SandboxProfile>;

/** A root certificate for attestation tokens. A `simulated` root proves nothing: its private key is on the simulator's machine. */
export const TeeRoot = Closed({
  kind: Type.Union([Type.Literal('hardware'), Type.Literal('simulated')]),
  /** SHA-256 of the root certificate's DER bytes. */
  certificate: DigestField
});
export type TeeRoot = Static<typeof TeeRoot>;

/** The TEEs that may run on the data. */
const TeeTerms = Closed({
  /** A CEL expression over the claims of a verified token, named `assertion` as in Google's Workload Identity. It must evaluate to `true`. */
  rule: Type.String({ minLength: 1, maxLength: 4096 }),
  roots: Type.Array(TeeRoot, { minItems: 1, maxItems: 16 }),
  sandboxProfiles: Type.Array(SandboxProfile, { minItems: 1, maxItems: 2 })
});

/** The outputs that may leave. */
export const OutputTerms = Closed({
  /** MIME types that may leave. All others are suppressed. */
  mimeTypes: Type.Array(Type.String({ pattern: '^[a-z]+/[a-z0-9.+-]{1,80}$' }), { maxItems: 50 }),
  /** Maximum size of one output, before sealing. */
  bytesPerOutput: ByteCount,
  /** Maximum size of all outputs of a run together. */
  bytesPerRun: ByteCount,
  outputsPerRun: Count,
  /** With `person`, a reviewer of the provider opens and releases the outputs of each run. */
  review: Type.Union([Type.Literal('none'), Type.Literal('person')]),
  /** Maximum number of values that a text output may share with one row of the data. With more it counts as row-level data. */
  valuesPerRow: Type.Integer({ minimum: 1, maximum: 1000 })
});
export type OutputTerms = Static<typeof OutputTerms>;

/** Limits of the stand-ins. */
export const PrivacyTerms = Closed({
  /**
   * The most privacy that all differentially private stand-ins of the asset may spend together, over all versions: ρ of
   * zero-concentrated differential privacy, and what it means as (ε, δ). All are 0 if there are none.
   */
  rho: DecimalText,
  epsilon: DecimalText,
  delta: DecimalText
});
export type PrivacyTerms = Static<typeof PrivacyTerms>;

/** Limits of a run. */
export const RunTerms = Closed({
  wallSeconds: Type.Integer({ minimum: 1, maximum: 604_800 }),
  memoryBytes: ByteCount,
  /** The grid, in seconds, to which all times in a run statement are rounded. */
  timeGridSeconds: Type.Integer({ minimum: 1, maximum: 86_400 }),
  /** Maximum number of runs that an approval may grant. */
  runs: Type.Integer({ minimum: 1, maximum: 1000 }),
  /** Maximum number of spare starts that an approval may grant, for runs whose machine is lost after it received the keys. */
  spareStarts: Type.Integer({ minimum: 0, maximum: 1000 })
});
export type RunTerms = Static<typeof RunTerms>;

/** A provider's rules for one asset. Signed by the provider's custodian key. */
export const Policy = defineDocument(
  'policy',
  1,
  Closed({
    format: Type.Literal('clean-room.policy/v1'),
    asset: AssetName,
    version: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    /** The collaboration in which the asset may be used, by its digest. The provider must be a member. */
    collaboration: DigestField,
    /** Root keys of the parties whose researchers may submit notebooks. */
    parties: Type.Array(PublicKey, { minItems: 1, maxItems: 64 }),
    purposes: Type.Array(Title, { minItems: 1, maxItems: 100 }),
    validUntil: Timestamp,
    kernelImages: Closed({
      digests: Type.Array(DigestField, { minItems: 1, maxItems: 100 }),
      /** Release keys. One of them must have signed the kernel image. */
      signers: Type.Array(PublicKey, { minItems: 1, maxItems: 16 })
    }),
    tee: TeeTerms,
    run: RunTerms,
    outputs: OutputTerms,
    privacy: PrivacyTerms,
    /** Whether a custodian on the coordinator's host may hold this asset. */
    coHosted: Type.Boolean()
  })
);
export type Policy = Static<typeof Policy.schema>;
