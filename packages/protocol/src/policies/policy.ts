import { Type, type Static } from 'typebox';
import { defineDocument } from '../documents/document.js';
import { AssetName, ByteCount, Closed, Count, DigestField, Timestamp, Title } from '../documents/fields.js';
import { PublicKey } from '../documents/keys.js';

/** The two ways a sandbox is held (design: one needs root, one an ordinary user's namespaces). */
export const SandboxProfile = Type.Union([Type.Literal('second-uid'), Type.Literal('nested-namespace')]);
export type SandboxProfile = Static<typeof SandboxProfile>;

/** A root that attestation tokens may chain to. `simulated` ones vouch for nothing but a laptop's good will. */
export const TeeRoot = Closed({
  kind: Type.Union([Type.Literal('hardware'), Type.Literal('simulated')]),
  /** SHA-256 of the root certificate's DER bytes. */
  certificate: DigestField
});
export type TeeRoot = Static<typeof TeeRoot>;

export const TeeTerms = Closed({
  /** CEL over the claims of a verified token, named `assertion`, as Workload Identity providers take it. Must give `true`. */
  rule: Type.String({ minLength: 1, maxLength: 4096 }),
  roots: Type.Array(TeeRoot, { minItems: 1, maxItems: 16 }),
  sandboxProfiles: Type.Array(SandboxProfile, { minItems: 1, maxItems: 2 })
});
export type TeeTerms = Static<typeof TeeTerms>;

export const OutputTerms = Closed({
  /** MIME types that may leave; all else is suppressed. */
  mimeTypes: Type.Array(Type.String({ pattern: '^[a-z]+/[a-z0-9.+-]{1,80}$' }), { maxItems: 50 }),
  /** Content of one output, before sealing. */
  bytesPerOutput: ByteCount,
  /** Content of all outputs of a run together. */
  bytesPerRun: ByteCount,
  outputsPerRun: Count,
  /** `person`: a reviewer of the provider opens and releases each run's outputs. */
  review: Type.Union([Type.Literal('none'), Type.Literal('person')]),
  /** Values a text output may share with one row of the data before it counts as row-level. */
  valuesPerRow: Type.Integer({ minimum: 1, maximum: 1000 })
});
export type OutputTerms = Static<typeof OutputTerms>;

export const RunTerms = Closed({
  wallSeconds: Type.Integer({ minimum: 1, maximum: 604_800 }),
  memoryBytes: ByteCount,
  /** The grid that every time in a run statement is rounded to, in seconds. */
  timeGridSeconds: Type.Integer({ minimum: 1, maximum: 86_400 }),
  /** Most attempts one approval may grant. */
  attempts: Type.Integer({ minimum: 1, maximum: 1000 })
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
    /** Root keys of the parties whose researchers may ask. */
    parties: Type.Array(PublicKey, { minItems: 1, maxItems: 64 }),
    purposes: Type.Array(Title, { minItems: 1, maxItems: 100 }),
    validUntil: Timestamp,
    kernelImages: Closed({
      digests: Type.Array(DigestField, { minItems: 1, maxItems: 100 }),
      /** Keys whose signature a kernel image must carry. */
      signers: Type.Array(PublicKey, { minItems: 1, maxItems: 16 })
    }),
    tee: TeeTerms,
    run: RunTerms,
    outputs: OutputTerms,
    /** Whether a custodian on the coordinator's own host may hold this asset. */
    coHosted: Type.Boolean()
  })
);
export type Policy = Static<typeof Policy.schema>;
