import { Type, type Static } from 'typebox';
import { defineDocument } from '../documents/document.js';
import { Base64, Closed, DigestField, PartyName, PersonId, Timestamp } from '../documents/fields.js';
import { PublicKey } from '../documents/keys.js';

/**
 * A custodian's signed statement that outputs of a run may be opened. The outputs are sealed in layers, one for each reviewing
 * custodian; this statement contains the key that removes this custodian's layer from each output that it names.
 */
export const OutputRelease = defineDocument(
  'output-release',
  1,
  Closed({
    format: Type.Literal('clean-room.output-release/v1'),
    provider: PartyName,
    custodian: PublicKey,
    /** The digest of the run statement. */
    statement: DigestField,
    /** The digest of each sealed output, and the key of this custodian's layer. */
    outputs: Type.Array(Closed({ digest: DigestField, layerKey: Base64 }), { minItems: 1, maxItems: 100 }),
    reviewer: PersonId,
    releasedAt: Timestamp
  })
);
export type OutputRelease = Static<typeof OutputRelease.schema>;
