import { Type, type Static } from 'typebox';
import { Closed, PartyName, PublicKey } from '@clean-room/protocol/documents';
import { Policy } from '@clean-room/protocol/policies';

const { purposes, validUntil, kernelImages, tee, run, outputs, privacy, coHosted } = Policy.schema.properties;

/**
 * A policy as a steward writes it: a {@link Policy} without the asset, its version and its collaboration, which the custodian adds.
 * Parties are given by their names in the collaboration or by their root keys.
 */
export const PolicyFile = Closed({
  parties: Type.Array(Type.Union([PartyName, PublicKey]), { minItems: 1, maxItems: 64 }),
  purposes,
  validUntil,
  kernelImages,
  tee,
  run,
  outputs,
  privacy,
  coHosted
});
export type PolicyFile = Static<typeof PolicyFile>;
