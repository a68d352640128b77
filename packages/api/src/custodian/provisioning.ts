import { Type, type Static } from 'typebox';
import { AssetVersion } from '@clean-room/protocol/assets';
import { Closed, DigestField, Envelope, Text, Timestamp } from '@clean-room/protocol/documents';
import { defineRoute } from '../route.js';
import { PolicyFile } from './policy-file.js';

const { table, rows, sealed, standIn } = AssetVersion.schema.properties;

/** The second part of an asset's name. */
const DatasetName = Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,62}$' });
/** A random id that the client chooses. A request with a known id changes nothing and gets the first answer again. */
const RequestId = Type.String({ pattern: '^[0-9a-f]{32}$' });

/** A decimal number that is not negative: a negative amount would give back what other stand-ins have spent. */
const Amount = Type.String({ pattern: '^\\d{1,40}(\\.\\d{1,40})?$' });

/** The amount of privacy that a stand-in spends: ρ of zero-concentrated differential privacy, and what it means as (ε, δ). */
export const PrivacyAmount = Closed({ rho: Amount, epsilon: Amount, delta: Amount });
export type PrivacyAmount = Static<typeof PrivacyAmount>;

/** The unit that an amount of privacy protects: a row, or a person, named by the kind of identifier. */
const PrivacyUnit = Type.String({ pattern: '^(row|person:[a-z0-9][a-z0-9_-]{0,62})$' });

/** The state of an amount: reserved, spent, or returned before any data was read. Only `returned` does not count. */
export const SpendState = Type.Union([
  Type.Literal('reserved'),
  Type.Literal('spent'),
  Type.Literal('returned')
]);
export type SpendState = Static<typeof SpendState>;

/** An entry of the privacy ledger of a dataset. */
export const LedgerEntry = Closed({
  id: RequestId,
  dataset: DatasetName,
  unit: PrivacyUnit,
  amount: PrivacyAmount,
  state: SpendState,
  steward: Type.String(),
  at: Timestamp
});
export type LedgerEntry = Static<typeof LedgerEntry>;

/** A dataset of this custodian. */
export const DatasetState = Closed({
  name: Type.String(),
  version: Type.Integer(),
  versionDigest: DigestField,
  policyDigest: DigestField,
  asset: Envelope,
  policy: Envelope,
  withdrawn: Type.Boolean(),
  ledger: Type.Array(LedgerEntry)
});
export type DatasetState = Static<typeof DatasetState>;

const ById = Closed({ id: RequestId });
const ByDataset = Closed({ dataset: DatasetName });

export const listDatasets = defineRoute({
  method: 'GET',
  path: '/v1/datasets',
  summary: 'List the datasets of this custodian, with their policies and privacy ledgers',
  callers: ['steward'],
  response: Closed({ items: Type.Array(DatasetState) })
});

export const reservePrivacy = defineRoute({
  method: 'POST',
  path: '/v1/privacy/reservations',
  summary: 'Reserve privacy for a stand-in, before any data is read for it',
  callers: ['steward'],
  body: Closed({
    id: RequestId,
    dataset: DatasetName,
    unit: PrivacyUnit,
    amount: PrivacyAmount,
    /** The most that all stand-ins of the dataset may spend together. Used while the dataset has no policy yet. */
    cap: PrivacyAmount
  }),
  response: LedgerEntry,
  status: 201
});

export const spendPrivacy = defineRoute({
  method: 'POST',
  path: '/v1/privacy/reservations/:id/spend',
  summary: 'Say that data is now read for a stand-in. The reserved privacy is spent, whatever happens next',
  callers: ['steward'],
  params: ById,
  response: LedgerEntry
});

export const returnPrivacy = defineRoute({
  method: 'POST',
  path: '/v1/privacy/reservations/:id/return',
  summary: 'Return reserved privacy before any data was read',
  callers: ['steward'],
  params: ById,
  response: LedgerEntry
});

export const uploadDataset = defineRoute({
  method: 'PUT',
  path: '/v1/uploads/:digest',
  summary: 'Upload sealed data or a stand-in',
  callers: ['steward'],
  params: Closed({ digest: DigestField }),
  bodyKind: 'upload',
  response: Closed({ bytes: Type.Integer() }),
  status: 201
});

export const publishDataset = defineRoute({
  method: 'POST',
  path: '/v1/datasets/:dataset/versions',
  summary:
    'Sign a version of a dataset and its policy, and publish them. Upload sealed data and stand-in first',
  callers: ['steward'],
  params: ByDataset,
  body: Closed({
    id: RequestId,
    description: Text,
    table,
    rows,
    sealed,
    standIn,
    /** The ledger entry of a synthetic stand-in. */
    reservation: Type.Optional(RequestId),
    policy: PolicyFile,
    /** The digest of the collaboration in which the data may be used. */
    collaboration: DigestField
  }),
  response: DatasetState,
  status: 201,
  bodyLimit: 16_000_000
});

export const withdrawDataset = defineRoute({
  method: 'POST',
  path: '/v1/datasets/:dataset/withdraw',
  summary: 'Withdraw a dataset: its keys are not released again, and its approvals are revoked',
  callers: ['steward'],
  params: ByDataset,
  response: DatasetState
});
