import { Type, type Static } from 'typebox';
import { Closed } from '@clean-room/protocol/documents';

/** The settings of machines on Google Confidential Space. */
export const ConfidentialSpaceSettings = Closed({
  kind: Type.Literal('confidential-space'),
  /** The id of the Google Cloud project in which the machines are created. */
  project: Type.String({ pattern: '^[a-z][a-z0-9-]{4,28}[a-z0-9]$' }),
  /** A name of this coordinator. Coordinators that share a project must have different names. */
  deployment: Type.String({ pattern: '^[a-z][a-z0-9-]{0,38}$' }),
  /** The zones for machines in the order in which they are tried. The subnetwork must exist in each of their regions. */
  zones: Type.Array(Type.String({ pattern: '^[a-z]+-[a-z]+[0-9]+-[a-z]$' }), { minItems: 1, maxItems: 20 }),
  /** The name of a subnetwork with Private Google Access. The machines have no external address. */
  subnetwork: Type.String({ pattern: '^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$' }),
  /** The e-mail address of the service account of the machines. */
  serviceAccount: Type.String({
    pattern: '^[a-z][a-z0-9-]{4,28}[a-z0-9]@[a-z][a-z0-9-]{4,28}[a-z0-9]\\.iam\\.gserviceaccount\\.com$'
  }),
  /** The kinds of TEE to use, the preferred one first. */
  tees: Type.Array(Type.Union([Type.Literal('TDX'), Type.Literal('SEV')]), { minItems: 1, maxItems: 2 }),
  /** Whether the cloud may take the machines back at any time, for a lower price. */
  spot: Type.Boolean(),
  /** Approximate price of one hour by machine type, in US dollars. */
  dollarsPerHour: Type.Record(Type.String({ pattern: '^[a-z0-9-]{1,40}$' }), Type.Number({ minimum: 0 }))
});
export type ConfidentialSpaceSettings = Static<typeof ConfidentialSpaceSettings>;
