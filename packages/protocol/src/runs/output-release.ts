import { Type, type Static } from 'typebox';
import { defineDocument } from '../documents/document.js';
import { Base64, Closed, DigestField, PartyName, PersonId, Timestamp } from '../documents/fields.js';
import { PublicKey } from '../documents/keys.js';

/** A custodian's word that a run's outputs may be opened. It carries the key of that custodian's layer. */
export const OutputRelease = defineDocument(
  'output-release',
  1,
  Closed({
    format: Type.Literal('clean-room.output-release/v1'),
    provider: PartyName,
    custodian: PublicKey,
    statement: DigestField,
    outputs: Type.Array(Closed({ digest: DigestField, layerKey: Base64 }), { minItems: 1, maxItems: 100 }),
    reviewer: PersonId,
    releasedAt: Timestamp
  })
);
export type OutputRelease = Static<typeof OutputRelease.schema>;
