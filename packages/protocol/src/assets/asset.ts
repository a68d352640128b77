import { Type, type Static } from 'typebox';
import { defineDocument } from '../documents/document.js';
import { AssetName, ByteCount, Closed, Count, DigestField, Text, Title } from '../documents/fields.js';
import { DecimalText, TableSchema } from './column.js';

/** The kind of TEE that an asset is sealed for. An asset never goes to the other kind. */
export const SealedFor = Type.Union([Type.Literal('simulation'), Type.Literal('hardware')]);
export type SealedFor = Static<typeof SealedFor>;

/** The differential privacy of a stand-in, and how far its tables can be trusted. Nothing here depends on the data. */
export const StandInPrivacy = Closed({
  epsilon: DecimalText,
  delta: DecimalText,
  /** The unit that is protected: one row, or all rows of one person. */
  unit: Type.Union([Type.Literal('row'), Type.Literal('person')]),
  /** Only for `person`: the largest number of rows of one person that are used. */
  rowsPerPerson: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
  /** The name and version of the mechanism: `tree/v1`, `tree-raking/v1`. */
  mechanism: Title,
  /** The column that the provider names as the target of models. */
  target: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  /** The columns whose relations are modelled. All others are independent. */
  modelled: Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { maxItems: 10_000 }),
  /** The expected error of the noise in a share of rows, for tables of one and of two columns (0 to 1). */
  expectedError: Closed({ oneWay: DecimalText, twoWay: DecimalText })
});
export type StandInPrivacy = Static<typeof StandInPrivacy>;

/** The description of a stand-in: its kind, and its bytes by digest. */
const StandIn = Closed({
  kind: Type.Union([Type.Literal('random'), Type.Literal('synthetic'), Type.Literal('public')]),
  digest: DigestField,
  bytes: ByteCount,
  rows: Count,
  /** Only for `synthetic`, where it is required. */
  privacy: Type.Optional(StandInPrivacy)
});

/** One version of an asset: schema, sealed bytes, stand-in. Signed by the provider's custodian key. */
export const AssetVersion = defineDocument(
  'asset',
  1,
  Closed({
    format: Type.Literal('clean-room.asset/v1'),
    name: AssetName,
    version: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    description: Text,
    table: TableSchema,
    /** The approximate number of rows: declared public by the provider, or measured with noise that the privacy ledger counts. */
    rows: Type.Optional(
      Closed({ about: Count, source: Type.Union([Type.Literal('declared'), Type.Literal('noisy')]) })
    ),
    sealedFor: SealedFor,
    /** A Parquet file, sealed as an age file. `digest` and `bytes` are those of the age file. */
    sealed: Closed({ digest: DigestField, bytes: ByteCount }),
    standIn: StandIn
  })
);
export type AssetVersion = Static<typeof AssetVersion.schema>;

/**
 * Returns the party that provides an asset: the part of the asset's name before the slash.
 *
 * @example
 * ```ts
 * import { providerOf } from '@clean-room/protocol/assets';
 *
 * console.log(providerOf('hospital/visits')); // hospital
 * ```
 */
export function providerOf(assetName: string): string {
  return assetName.split('/', 1)[0] ?? '';
}
